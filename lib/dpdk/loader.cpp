#include "dpdk/loader.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <string>

#include "dpdk/module.hpp"

namespace ringtail::dpdk {

namespace {

constexpr const char* file_name = "libringtail-dpdk.so";

Error load_error(const std::string& reason) {
  return make_error("load ringtail's DPDK module", reason,
                    "install DPDK (Debian: libdpdk-dev) and the module, or name its directory in RINGTAIL_MODULE_DIR");
}

// RINGTAIL_MODULE_DIR decides alone where it is set; a program with more rights than its user does not listen to it.
// Otherwise the run path of the program and the system's directories, then where `cmake --install` put the module.
Result<void*> load_file() {
  // secure_getenv is as thread-safe as getenv: nobody else changes the environment meanwhile.
  if (const char* directory = ::secure_getenv("RINGTAIL_MODULE_DIR")) {  // NOLINT(concurrency-mt-unsafe)
    void* handle = ::dlopen((std::string(directory) + "/" + file_name).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return handle;
    return tl::unexpected(load_error(::dlerror()));  // NOLINT(concurrency-mt-unsafe): per thread in glibc
  }
  std::string reasons;
  for (const std::string& path : {std::string(file_name), std::string(RINGTAIL_MODULE_INSTALL_DIR "/") + file_name}) {
    if (void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    if (!reasons.empty()) reasons += "; ";
    reasons += ::dlerror();  // NOLINT(concurrency-mt-unsafe)
  }
  return tl::unexpected(load_error(reasons));
}

Result<const ModuleTable*> load() {
  const auto handle = load_file();
  if (!handle) return tl::unexpected(handle.error());
  const auto entry = reinterpret_cast<ModuleFunction>(::dlsym(*handle, module_symbol));
  if (entry == nullptr) return tl::unexpected(load_error(std::string(file_name) + " has no " + module_symbol));
  const ModuleTable* table = entry();
  if (!(table->identity == ModuleIdentity{})) {
    return tl::unexpected(load_error(std::string(file_name) + " belongs to another build of ringtail"));
  }
  return table;
}

Result<const ModuleTable*> module() {
  static std::mutex mutex;
  static const ModuleTable* loaded = nullptr;  // a failure is not kept: DPDK may be installed meanwhile
  const std::lock_guard lock(mutex);
  if (loaded == nullptr) {
    const auto table = load();
    if (!table) return tl::unexpected(table.error());
    loaded = *table;
  }
  return loaded;
}

}  // namespace

Result<detail::BackendPointer> open_dpdk(std::string_view device, const OpenOptions& options) {
  const auto table = module();
  if (!table) return tl::unexpected(table.error());
  return (*table)->open(device, options);
}

Result<detail::TransmitterPointer> open_dpdk_transmitter(std::string_view device, const OpenOptions& options) {
  const auto table = module();
  if (!table) return tl::unexpected(table.error());
  return (*table)->open_transmitter(device, options);
}

}  // namespace ringtail::dpdk
