#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace kasetsu::regression {

template <typename T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <typename U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{64}); }
  friend bool operator==(const CacheLineAllocator&, const CacheLineAllocator&) { return true; }
};

// Doubles that start at a cache line, for loads of eight at once.
using Aligned = std::vector<double, CacheLineAllocator<double>>;

}  // namespace kasetsu::regression
