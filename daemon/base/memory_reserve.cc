#include "daemon/base/memory_reserve.h"

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <new>

namespace kasetsu {
namespace {

// Of addresses: the largest JSON document that is accepted has some million values of 16 bytes.
constexpr std::size_t kReserve = std::size_t{128} << 20;

std::atomic<void*> reserve{nullptr};

[[noreturn]] void give_reserve_back() {
  if (void* const kept = reserve.exchange(nullptr)) ::munmap(kept, kReserve);
  throw std::bad_alloc();
}

}  // namespace

void keep_memory_reserve() {
  std::set_new_handler(give_reserve_back);
  if (reserve.load() != nullptr) return;
  void* const kept =
      ::mmap(nullptr, kReserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (kept == MAP_FAILED) return;
  void* none = nullptr;
  if (!reserve.compare_exchange_strong(none, kept)) ::munmap(kept, kReserve);
}

}  // namespace kasetsu
