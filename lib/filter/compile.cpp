#include "filter/compile.hpp"

#include <optional>
#include <utility>

#include <ringtail/interface.hpp>

#include "filter/any_device.hpp"
#include "filter/fault.hpp"
#include "filter/handle.hpp"
#include "filter/words.hpp"

namespace ringtail::filter {

namespace {

Error fault(const std::string& text, std::string reason, std::string remedy = {}) {
  return make_error("compile filter '" + shorten(text) + "'", std::move(reason), std::move(remedy));
}

// What is wrong before libpcap has seen the text.
std::optional<Error> refuse_text(const std::string& text) {
  if (text.size() > max_text_bytes) {
    return fault(text, "it is " + std::to_string(text.size()) + " bytes long",
                 "at most " + std::to_string(max_text_bytes) + " are taken");
  }
  if (text.find('\0') != std::string::npos) return fault(text, "it contains a zero byte");
  return std::nullopt;
}

// What is wrong with code that libpcap is content with.
std::optional<Error> refuse_code(const std::string& text, const Program& program, CompileFor target) {
  const std::size_t count = program.instructions().size();
  if (count > max_instructions) {
    return fault(text, "it needs " + std::to_string(count) + " instructions",
                 "shorten it: the kernel takes at most " + std::to_string(max_instructions));
  }
  if (target == CompileFor::here && program.needs_kernel()) {
    return fault(text, "only the kernel knows a packet's direction and interface",
                 "leave out 'inbound', 'outbound' and 'ifindex'");
  }
  return std::nullopt;
}

// A handle that makes the right code for one link type, and what came of it.
class Attempt {
 public:
  static Result<Attempt> make(const std::string& text, std::uint16_t link_type, CompileFor target,
                              const std::string& device) {
    const bool needs_extension =
        target == CompileFor::kernel && link_type == link_type::ethernet && has_word(text, "vlan");
    Result<Handle> handle = needs_extension ? open_live(device) : Result<Handle>(open_dead(link_type));
    if (!handle) return tl::unexpected(std::move(handle.error()));
    if (!*handle) return tl::unexpected(fault(text, "not enough memory"));
    return Attempt(text, std::move(*handle), netmask_of(device));
  }

  [[nodiscard]] bool succeeded() const noexcept { return code_.has_value(); }
  [[nodiscard]] const Program& program() const { return *code_; }

  /// A name is as unknown on one link type as on another; with most other faults a text may make sense elsewhere.
  [[nodiscard]] bool failed_on_a_name() const { return !succeeded() && code_.error().starts_with("unknown "); }
  [[nodiscard]] Error error() const { return fault(text_, locate_fault(*handle_, text_, netmask_, code_.error())); }

 private:
  Attempt(const std::string& text, Handle handle, std::uint32_t netmask)
      : text_(text), handle_(std::move(handle)), netmask_(netmask), code_(run_compiler(*handle_, text_, netmask_)) {}

  std::string text_;
  Handle handle_;
  std::uint32_t netmask_;
  tl::expected<Program, std::string> code_;
};

Result<Program> finish(const std::string& text, Program program, CompileFor target, std::uint32_t snaplen) {
  if (auto error = refuse_code(text, program, target)) return tl::unexpected(std::move(*error));
  program.set_snaplen(snaplen);
  return program;
}

}  // namespace

Result<Program> compile(std::string_view filter_text, std::uint16_t link_type, CompileFor target, std::uint32_t snaplen,
                        const std::string& device) {
  const std::string text(filter_text);
  if (auto error = refuse_text(text)) return tl::unexpected(std::move(*error));
  if (split_words(text).empty()) return Program::accept_all(snaplen);
  const Result<Attempt> attempt = Attempt::make(text, link_type, target, device);
  if (!attempt) return tl::unexpected(attempt.error());
  if (!attempt->succeeded()) return tl::unexpected(attempt->error());
  return finish(text, attempt->program(), target, snaplen);
}

Result<Program> compile_for_any(std::string_view filter_text, std::uint32_t snaplen) {
  const std::string text(filter_text);
  if (auto error = refuse_text(text)) return tl::unexpected(std::move(*error));
  if (split_words(text).empty()) return Program::accept_all(snaplen);
  const Result<Attempt> ethernet = Attempt::make(text, link_type::ethernet, CompileFor::kernel, {});
  if (!ethernet) return tl::unexpected(ethernet.error());
  const Result<Attempt> raw_ip = Attempt::make(text, link_type::raw_ip, CompileFor::kernel, {});
  if (!raw_ip) return tl::unexpected(raw_ip.error());

  const bool neither = !ethernet->succeeded() && !raw_ip->succeeded();
  if (neither || ethernet->failed_on_a_name()) return tl::unexpected(ethernet->error());
  if (raw_ip->failed_on_a_name()) return tl::unexpected(raw_ip->error());
  const Program nothing = Program::drop_all();
  Program joined = dispatch_by_hardware_type(ethernet->succeeded() ? ethernet->program() : nothing,
                                             raw_ip->succeeded() ? raw_ip->program() : nothing);
  return finish(text, std::move(joined), CompileFor::kernel, snaplen);
}

}  // namespace ringtail::filter
