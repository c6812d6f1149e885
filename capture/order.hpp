// What a manager wants of a worker, and what it gets back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flight_recorder.hpp"
#include "output.hpp"

namespace ringtail::daemon {

struct Order {
  enum class Kind : std::uint8_t {
    install,  ///< use these slots and this output from now on
    rotate,
    note,  ///< `text` about an interface of `slot` goes into the file
    pause,
    resume,
    dump,    ///< hand over what the flight recorder holds
    finish,  ///< end when the sources have ended; somebody has stopped them
  };
  Kind kind = Kind::install;
  Slots slots{};
  std::unique_ptr<Output> output{};  ///< new with the order, old with the answer; null: none
  RecorderFigures counted_as{};      ///< in the answer: how the old output stands in the worker's figures
  DumpWish wish{};                   ///< with a dump
  std::vector<HeldBatch> held{};     ///< in its answer, with the slots they came from
  std::size_t slot = 0;
  std::uint32_t interface_index = 0;
  std::string text{};
};

}  // namespace ringtail::daemon
