// Memory that is kept for the moment in which there is none.
//
// What is undone after std::bad_alloc asks for memory itself: the destructor of a JSON tree
// flattens it into a vector, and a destructor that throws ends the process. So addresses are kept
// aside, without pages behind them, and given back with the first allocation that fails: that one
// throws, and what it unwinds finds memory.
#pragma once

namespace kasetsu {

// Keeps the reserve, or keeps it again after it was used; costs nothing where it is kept. Where the
// system gives no addresses, there is none until the next call. From any thread.
void keep_memory_reserve();

}  // namespace kasetsu
