// Tells AddressSanitizer which memory may be touched at the moment, so that a view used after its batch was released is
// caught where it happens. Nothing at all in other builds.
#pragma once

#include <cstddef>

// g++ tells by macros, clang by features.
#if defined(__SANITIZE_ADDRESS__)
#define RINGTAIL_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define RINGTAIL_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGTAIL_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define RINGTAIL_THREAD_SANITIZER 1
#endif
#endif

#ifdef RINGTAIL_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace ringtail::base {

/// Tests that press with large numbers press with fewer under a sanitizer that makes every access many times slower.
#ifdef RINGTAIL_THREAD_SANITIZER
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

inline void poison(const void* memory, std::size_t bytes) noexcept {
#ifdef RINGTAIL_ADDRESS_SANITIZER
  __asan_poison_memory_region(memory, bytes);
#else
  (void)memory;
  (void)bytes;
#endif
}

inline void unpoison(const void* memory, std::size_t bytes) noexcept {
#ifdef RINGTAIL_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(memory, bytes);
#else
  (void)memory;
  (void)bytes;
#endif
}

}  // namespace ringtail::base
