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

// A vector that starts at a cache line, for loads of eight doubles at once, and that is indexed by
// int, as rows and columns are.
template <typename T>
struct Array : std::vector<T, CacheLineAllocator<T>> {
  Array() = default;
  explicit Array(std::ptrdiff_t size, T value = T())
      : std::vector<T, CacheLineAllocator<T>>(static_cast<std::size_t>(size), value) {}
  void resize_to(std::ptrdiff_t size, T value = T()) {
    this->assign(static_cast<std::size_t>(size), value);
  }
  T& operator[](std::ptrdiff_t i) { return this->data()[i]; }
  const T& operator[](std::ptrdiff_t i) const { return this->data()[i]; }
};

}  // namespace kasetsu::regression
