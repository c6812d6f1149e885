// What DPDK leaves in file systems where other processes may join it.
#pragma once

namespace ringtail::dpdk {

/// At the end of this process, unless it is killed, removes the files that hold DPDK's memory and those through which
/// others find it, which rte_eal_cleanup() does not. Who has joined keeps what it has mapped. DPDK runs, and this is
/// its primary process.
void remove_shared_files_at_exit();

}  // namespace ringtail::dpdk
