// What the writer remembers between tasks is what the database says: after every step of a random
// history, failures among them, the writer's answers are those of a reader, which remembers
// nothing.
#include <gmock/gmock.h>

#include <algorithm>
#include <latch>

#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::Measurement;
using campaign::Reader;
using campaign::Repeat;
using campaign::Transaction;

class Memory : public testing::StoreTest {
 protected:
  static constexpr const char* kCatalysts[] = {"\"Li\"", "\"Na\"", "\"K\"", "\"Mn\",\"Na\""};
  static constexpr const char* kKeys[] = {"Li:1/MgO", "Na:1/MgO", "K:1/MgO", "Mn:1;Na:1/MgO"};

  struct Seen {
    std::vector<std::vector<double>> replicates;
    std::vector<std::string> proposals;
    std::vector<std::string> properties;
    std::int64_t version = 0;
    bool operator==(const Seen&) const = default;
  };
  static Seen look(const Reader& reader) {
    Seen seen;
    const auto campaign = reader.find_campaign("ocm");
    seen.version = campaign->version;
    for (const auto& property : reader.properties(campaign->key)) {
      seen.properties.push_back(property.name);
    }
    for (const char* key : kKeys) {
      const auto catalyst = reader.find_catalyst(key);
      if (!catalyst) continue;
      for (const char* conditions : {"{}", "{\"T\":1}"}) {
        auto values = reader.replicates(campaign->key, "C2_yield", catalyst->key, conditions, 100);
        std::sort(values.begin(), values.end());
        seen.replicates.push_back(std::move(values));
      }
      const auto open = reader.answerable_proposals(campaign->key, catalyst->key);
      seen.proposals.push_back(open.empty() ? std::string("none")
                                            : open[0].id + std::string(to_string(open[0].state)));
    }
    return seen;
  }
  Seen writer_sees() {
    Seen seen;
    EXPECT_TRUE(campaign::write_and_wait(*database_, [&](Transaction& tx) -> Status {
                  seen = look(tx);
                  return {};
                }).ok());
    return seen;
  }
  Seen reader_sees() {
    return read<Seen>([](const Reader& reader) { return look(reader); });
  }
};

TEST_F(Memory, TheWriterRemembersWhatAReaderSees) {
  open();
  apply();
  Random random(2024);
  int replicates = 0;
  for (int step = 0; step < 300; ++step) {
    now_ += std::chrono::seconds(1);
    const auto pick = static_cast<std::size_t>(random.below(std::size(kCatalysts)));
    const std::string value = row(kCatalysts[pick], static_cast<double>(random.below(20)),
                                  random.below(2) == 0 ? "\"conditions\":{\"T\":1}" : "");
    const auto live = measurements(true);
    const auto some = [&] { return live[static_cast<std::size_t>(random.below(live.size()))].id; };
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        ASSERT_TRUE(post(body({value, value}, "\"source\":\"" + std::to_string(step) + "\"")).ok());
        break;
      case 3:  // refused as a whole after its first row was written
        ASSERT_FALSE(post(body({value, row("\"Xx\"", 1)}, "\"whole\":true")).ok());
        break;
      case 4:
        if (!live.empty()) {
          ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                        return campaign::retract(tx, some(), "a test", "", context());
                      }).ok());
        }
        break;
      case 5:
        if (!live.empty()) {
          ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                        return campaign::supersede(tx, some(), 3.0, "a test", "", context());
                      }).ok());
        }
        break;
      case 6:
        if (!live.empty()) {
          ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                        return campaign::exclude(tx, some(), true, "a test", "", context());
                      }).ok());
        }
        break;
      default:
        issue({kKeys[pick]});
    }
    if (step == 150) {
      auto other = draft("ocm", "format = 1\n# second\n");
      other.properties.push_back({"CO_yield", "%", false, {}, {}});
      apply(other);
    }
    const Seen expected = reader_sees();
    ASSERT_EQ(writer_sees(), expected) << "step " << step;
    for (const auto& values : expected.replicates) {
      replicates = std::max(replicates, static_cast<int>(values.size()));
    }
  }
  EXPECT_GT(replicates, 10) << "the history is too poor to show anything";
}

// Tasks that may be repeated run without savepoints; when one fails all run again, each for itself.
TEST_F(Memory, AFailureAmongRepeatableTasksUndoesOnlyItself) {
  open();
  apply();
  std::latch gate(1);
  std::latch begun(1);
  std::latch finished(6);
  std::vector<Status> statuses(6);
  std::vector<int> runs(6);
  const auto submit = [&](std::size_t i, bool fail, bool hold) {
    database_->write(
        [&, i, fail, hold](Transaction& tx) -> Status {
          if (hold) {
            begun.count_down();
            gate.wait();
          }
          ++runs[i];
          campaign::Event event;
          event.object = "note";
          event.verb = "made";
          event.id = std::to_string(i);
          tx.append_event(event);
          if (fail) return Error{ErrorCode::conflict, "no", {}, {}, {}};
          return {};
        },
        [&, i](Status status) {
          statuses[i] = std::move(status);
          finished.count_down();
        },
        Repeat::allowed);
  };
  submit(0, false, true);
  begun.wait();
  for (std::size_t i = 1; i < 6; ++i) submit(i, i == 3, false);
  gate.count_down();
  finished.wait();
  EXPECT_THAT(runs, ::testing::ElementsAre(1, 2, 2, 2, 1, 1)) << "0 had a commit of its own";
  std::vector<std::string> notes;
  for (const auto& event : read<std::vector<campaign::Event>>(
           [](const Reader& reader) { return reader.events(0, 100, ""); })) {
    if (event.object == "note") notes.push_back(event.id);
  }
  EXPECT_THAT(notes, ::testing::ElementsAre("0", "1", "2", "4", "5"));
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(statuses[i].ok(), i != 3) << i;
  }
  EXPECT_EQ(statuses[3].error().code, ErrorCode::conflict);
  EXPECT_EQ(database_->last_event(),
            read<std::int64_t>([](const Reader& reader) { return reader.last_event(); }));
}

}  // namespace
}  // namespace kasetsu
