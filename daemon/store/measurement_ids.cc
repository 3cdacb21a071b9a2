#include "daemon/store/measurement_ids.h"

namespace kasetsu::store {

std::string MeasurementIds::read(const Statement& statement, int column) {
  if (!statement.null(column + 1)) return statement.text(column + 1);
  if (const std::string_view delivery = statement.view(column + 2); delivery != delivery_) {
    const auto parsed = Ulid::parse(delivery);
    KASETSU_ASSERT(parsed.has_value());
    delivery_ = delivery;
    first_ = *parsed;
  }
  const std::int64_t before = statement.integer(column) - statement.integer(column + 3);
  return first_.plus(static_cast<std::uint64_t>(before) + 1).text();
}

std::string id_of_measurement(Connection& connection, std::int64_t seq) {
  Statement& find = connection.prepare("SELECT " KASETSU_SQL_MEASUREMENT_ID
                                       " FROM measurements m CROSS JOIN runs r ON r.seq = m.run "
                                       "CROSS JOIN ingests i ON i.seq = r.ingest WHERE m.seq = ?1");
  find.bind(seq);
  if (!find.step()) return {};
  std::string id = MeasurementIds().read(find, 0);
  find.reset();
  return id;
}

std::int64_t seq_of_measurement(Connection& connection, std::string_view id) {
  Statement& kept =
      connection.prepare("SELECT seq FROM measurements WHERE id = ?1 AND id IS NOT NULL");
  if (kept.bind(id).step()) {
    const std::int64_t seq = kept.integer(0);
    kept.reset();
    return seq;
  }
  const auto wanted = Ulid::parse(id);
  if (!wanted) return 0;
  // A delivery's identifiers are a block that it alone has: the nearest one below is the only one
  // that can be meant.
  Statement& nearest = connection.prepare(
      "SELECT id, first_measurement FROM ingests WHERE id < ?1 ORDER BY id DESC LIMIT 1");
  if (!nearest.bind(id).step()) return 0;
  const std::string delivery = nearest.text(0);
  const std::int64_t first = nearest.integer(1);
  nearest.reset();
  const auto block = Ulid::parse(delivery);
  if (!block) return 0;
  const auto steps = block->steps_to(*wanted);
  if (!steps || *steps == 0 || *steps > (std::uint64_t{1} << 40)) return 0;
  const std::int64_t seq = first + static_cast<std::int64_t>(*steps) - 1;
  // The block is as long as the delivery might have needed, and while a delivery is being taken in
  // its end is not known: the measurement itself says whose it is.
  Statement& of_delivery = connection.prepare(
      "SELECT 1 FROM measurements m CROSS JOIN runs r ON r.seq = m.run "
      "CROSS JOIN ingests i ON i.seq = r.ingest WHERE m.seq = ?1 AND m.id IS NULL AND i.id = ?2");
  const bool its_own = of_delivery.bind(seq, delivery).step();
  of_delivery.reset();
  return its_own ? seq : 0;
}

}  // namespace kasetsu::store
