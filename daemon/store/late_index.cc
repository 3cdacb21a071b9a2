#include "daemon/store/late_index.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "core/base/fnv.h"
#include "core/base/result.h"
#include "daemon/campaign/records/types.h"

namespace kasetsu::store {
namespace {

// A table that lies this many rows behind is brought up to date even if hardly one of them is
// looked for: opening the database reads them.
constexpr std::int64_t kFarBehind = 65'536;

// After each of its parts a byte that no text holds, so that "ab" and "c" are not "a" and "bc".
constexpr unsigned char kEndOfPart = 0xFF;

void take(Fnv1a& hash, std::string_view text) {
  hash.bytes(text);
  hash.byte(kEndOfPart);
}

void take(Fnv1a& hash, std::int64_t number) {
  hash.number(static_cast<std::uint64_t>(number));
  hash.byte(kEndOfPart);
}

std::uint64_t folded(const Fnv1a& hash) {
  return (hash.value() >> 32 ^ hash.value()) & 0xFFFF'FFFF;
}

std::int64_t lowest_like(std::int64_t number) {
  return std::bit_cast<std::int64_t>(std::bit_cast<std::uint64_t>(number) & ~0xFFFF'FFFFull);
}

std::int64_t highest_like(std::int64_t number) {
  return number | 0xFFFF'FFFF;
}

}  // namespace

std::int64_t content_number(const Digest& sha256) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i)
    number = number << 8 | static_cast<std::uint8_t>(sha256.bytes[i]);
  return std::bit_cast<std::int64_t>(number);
}

std::int64_t lowest_run_number(std::int64_t campaign, std::string_view source,
                               std::string_view run) {
  Fnv1a hash;
  take(hash, campaign);
  take(hash, source);
  take(hash, run);
  return std::bit_cast<std::int64_t>(folded(hash) << 32);
}

std::optional<std::int64_t> run_number(std::int64_t campaign, std::string_view source,
                                       std::string_view run, std::string_view channel,
                                       std::optional<std::int64_t> sequence,
                                       std::optional<std::int64_t> replicate) {
  if (!campaign::has_name(run, channel, sequence)) return {};
  Fnv1a hash;
  take(hash, channel);
  if (replicate) take(hash, *replicate);
  std::uint64_t lower = folded(hash);
  if (sequence) lower = (lower & 0xFFF) << 20 | (static_cast<std::uint64_t>(*sequence) & 0xF'FFFF);
  return lowest_run_number(campaign, source, run) | static_cast<std::int64_t>(lower);
}

const LateIndexTable kContentNumbers = {
    "SELECT upto FROM late_indexes WHERE name = 'contents'",
    "SELECT content_number(sha256), key FROM contents WHERE key > ?1 ORDER BY key",
    "SELECT content FROM content_numbers WHERE number = ?1",
    nullptr,
    "INSERT OR IGNORE INTO content_numbers (number, content) VALUES (?1, ?2)",
    "UPDATE late_indexes SET upto = ?1 WHERE name = 'contents'"};

const LateIndexTable kRunNumbers = {
    "SELECT upto FROM late_indexes WHERE name = 'runs'",
    "SELECT run_number(campaign, source, run, channel, sequence, replicate), seq FROM runs "
    "WHERE seq > ?1 ORDER BY seq",
    "SELECT run FROM run_numbers WHERE number = ?1",
    "SELECT 1 FROM run_numbers WHERE number BETWEEN ?1 AND ?2 LIMIT 1",
    "INSERT OR IGNORE INTO run_numbers (number, run) VALUES (?1, ?2)",
    "UPDATE late_indexes SET upto = ?1 WHERE name = 'runs'"};

void LateIndex::remember(Entry entry) {
  waiting_.emplace(entry.number, entry.row);
  if (table_.any_between != nullptr) ++halves_[lowest_like(entry.number)];
}

void LateIndex::drop(Entry entry) {
  const auto [begin, end] = waiting_.equal_range(entry.number);
  const auto found =
      std::find_if(begin, end, [&](const auto& known) { return known.second == entry.row; });
  KASETSU_ASSERT(found != end);
  waiting_.erase(found);
  if (table_.any_between == nullptr) return;
  const auto half = halves_.find(lowest_like(entry.number));
  if (--half->second == 0) halves_.erase(half);
}

void LateIndex::load() {
  if (complete_) return;
  if (!loaded_) {
    Statement& upto = connection_.prepare(table_.upto);
    require(upto.bind().step(), "a late index is not there");
    upto_ = newest_ = newest_committed_ = upto.integer(0);
    upto.reset();
  }
  // At first everything that is not in the table; later what this transaction inserted before a
  // savepoint was rolled back.
  Statement& rows = connection_.prepare(table_.rows_after);
  rows.bind(newest_);
  while (rows.step()) {
    newest_ = rows.integer(1);
    if (rows.null(0)) continue;
    fresh_.push_back({rows.integer(0), newest_});
    remember(fresh_.back());
  }
  loaded_ = complete_ = true;
}

std::vector<std::int64_t> LateIndex::find(std::int64_t number) {
  load();
  std::vector<std::int64_t> rows;
  Statement& find = connection_.prepare(table_.find);
  find.bind(number);
  while (find.step()) rows.push_back(find.integer(0));
  const auto [begin, end] = waiting_.equal_range(number);
  for (auto known = begin; known != end; ++known) rows.push_back(known->second);
  if (rows.size() > 1) {
    std::sort(rows.begin(), rows.end(), std::greater<>());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  }
  return rows;
}

bool LateIndex::any_like(std::int64_t number) {
  KASETSU_ASSERT(table_.any_between != nullptr);
  load();
  if (halves_.contains(lowest_like(number))) return true;
  Statement& find = connection_.prepare(table_.any_between);
  find.bind(lowest_like(number), highest_like(number));
  const bool found = find.step();
  find.reset();
  return found;
}

void LateIndex::add(std::int64_t row, std::optional<std::int64_t> number) {
  if (!complete_) {
    load();  // it is there already, and read with the others
    return;
  }
  KASETSU_ASSERT(row > newest_);
  newest_ = row;
  if (!number) return;
  fresh_.push_back({*number, row});
  remember(fresh_.back());
}

void LateIndex::write_some() {
  if (sorted_upto_ <= upto_ || newest_ == newest_committed_) return;
  // Faster than they come, so that one batch is written before the next is full.
  const std::size_t added = fresh_.size() - fresh_committed_;
  const std::size_t end = std::min(sorted_.size(), written_ + added + added / 2 + 16);
  Statement& insert = connection_.prepare(table_.insert);
  for (; written_ < end; ++written_) {
    insert.bind(sorted_[written_].number, sorted_[written_].row).run();
  }
  if (written_ < sorted_.size()) return;
  connection_.prepare(table_.complete).bind(sorted_upto_).run();
  all_written_ = true;
}

void LateIndex::committed() {
  if (newest_ == newest_committed_) return;
  newest_committed_ = newest_;
  fresh_committed_ = fresh_.size();
  written_committed_ = written_;
  if (all_written_) {
    for (const Entry& entry : sorted_) drop(entry);
    sorted_.clear();
    written_ = written_committed_ = 0;
    upto_ = sorted_upto_;
    all_written_ = false;
  }
  const bool idle = sorted_upto_ <= upto_;
  if (!idle || (fresh_.size() < batch_ && newest_ - upto_ < kFarBehind)) return;
  sorted_.swap(fresh_);
  fresh_committed_ = 0;
  sorted_upto_ = newest_;
  std::sort(sorted_.begin(), sorted_.end(), [](const Entry& a, const Entry& b) {
    return a.number != b.number ? a.number < b.number : a.row < b.row;
  });
}

void LateIndex::forget() {
  while (fresh_.size() > fresh_committed_) {
    drop(fresh_.back());
    fresh_.pop_back();
  }
  newest_ = newest_committed_;
  written_ = written_committed_;
  all_written_ = false;
  complete_ = false;
}

}  // namespace kasetsu::store
