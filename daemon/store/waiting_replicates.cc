#include "daemon/store/waiting_replicates.h"

#include <algorithm>
#include <string>

#include "daemon/store/rising_numbers.h"

namespace kasetsu::store {

void WaitingReplicates::add(std::int64_t catalyst, std::int64_t property,
                            std::int64_t conditions_hash, std::int64_t measurement) {
  constexpr std::size_t kMost = 65'536;
  if (rows_.size() == kMost) write();
  rows_.push_back({catalyst, property, conditions_hash, measurement});
}

void WaitingReplicates::write() {
  if (rows_.empty()) return;
  // In the order of the table, so that a page takes all that it gets at once.
  std::sort(rows_.begin(), rows_.end(),
            [](const Row& a, const Row& b) { return a.place() < b.place(); });
  Statement& insert = connection_.prepare(
      "INSERT INTO replicates (catalyst, property, conditions_hash, first, more) "
      "VALUES (?1, ?2, ?3, ?4, ?5)");
  std::string more;
  for (auto first = rows_.begin(); first != rows_.end();) {
    more.clear();
    auto next = first + 1;
    for (; next != rows_.end() && next->group() == first->group(); ++next) {
      append_rising(more, (next - 1)->measurement, next->measurement);
    }
    insert
        .bind(first->catalyst, first->property, first->conditions_hash, first->measurement,
              Blob{more})
        .run();
    first = next;
  }
  rows_.clear();
}

}  // namespace kasetsu::store
