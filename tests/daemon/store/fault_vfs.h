// A SQLite VFS on top of the real one that loses power, runs out of space, or fails at the Nth
// operation. What was written and not synced is kept apart, so that a power cut can lose any part
// of it.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/random.h"

namespace kasetsu::testing {

struct FaultPlan {
  // Counted from 1 over writes, syncs, truncations, creations and deletions since reset(); 0:
  // never.
  std::int64_t fail_at = 0;
  bool for_ever = false;  // every operation from fail_at on, instead of that one only
  int code = 0;           // SQLite's code of the failure
  // At operation fail_at the power goes: it and all later operations, reads too, fail until
  // power_on().
  bool power_cut = false;
  // A disk that says yes to a sync of the WAL and forgets it: what synchronous=NORMAL would be.
  bool lying_wal = false;
  // Writes that make a file longer fail with SQLITE_FULL.
  bool full = false;
};

// Registers the VFS under this name, once. One plan for all files; tests use it one at a time.
inline constexpr const char* kFaultVfs = "kasetsu-faults";
void register_fault_vfs();

// Forgets all files and counts; sets the plan.
void reset_faults(const FaultPlan& plan);
void set_full(bool full);
std::int64_t fault_operations();  // so far
bool power_is_off();
bool fault_happened();
// After every connection is closed: puts into the files what a disk might hold that lost its power,
// which is all that was synced and, of the rest, none (reorder false) or any part (true), at
// random. Ends the cut.
void power_on(Random& random, bool reorder);

}  // namespace kasetsu::testing
