// Batches and proposals, in SQL.
#include "daemon/store/queries.h"

namespace kasetsu::store {
namespace {

// Pieces of statements. The compiler joins the literals, and a statement is cached by its address.
#define BATCH_COLUMNS(summary) \
  "seq, id, campaign, model, actor, " summary ", created_at FROM batches "
#define PROPOSAL_COLUMNS                                                                 \
  "o.seq, o.id, o.campaign, b.id, o.batch_rank, o.strategy, c.canonical, "               \
  "o.conditions, o.mean, o.low, o.high, o.novelty, o.reason, o.card, o.model, o.state, " \
  "o.state_reason, o.client, o.lease_expires, o.attempts, o.failures, o.amended_from, "  \
  "o.revision, o.created_at, o.updated_at "                                              \
  "FROM proposals o CROSS JOIN batches b ON b.seq = o.batch "                            \
  "CROSS JOIN catalysts c ON c.key = o.catalyst "

Batch read_batch(const Statement& s) {
  Batch b;
  read_row(s, 0, b.seq, b.id, b.campaign, b.model, b.actor, b.summary, b.created_at);
  return b;
}

Proposal read_proposal(const Statement& s) {
  Proposal p;
  read_row(s, 0, p.seq, p.id, p.campaign, p.batch, p.rank, p.strategy, p.catalyst, p.conditions,
           p.mean, p.low, p.high, p.novelty, p.reason, p.card, p.model, p.state, p.state_reason,
           p.client, p.lease_expires, p.attempts, p.failures, p.amended_from, p.revision,
           p.created_at, p.updated_at);
  return p;
}

}  // namespace

std::optional<Batch> SqliteReader::find_batch(std::string_view id) const {
  return one(connection_.prepare("SELECT " BATCH_COLUMNS("summary") "WHERE id = ?1").bind(id),
             read_batch);
}

std::vector<Batch> SqliteReader::batches(std::int64_t campaign, const Page& page) const {
  return all(connection_
                 .prepare("SELECT " BATCH_COLUMNS(
                     "summary") "WHERE campaign = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_batch);
}

std::vector<Batch> SqliteReader::all_batches(std::int64_t campaign) const {
  return all(connection_.prepare("SELECT " BATCH_COLUMNS("''") "WHERE campaign = ?1 ORDER BY seq")
                 .bind(campaign),
             read_batch);
}

std::int64_t SqliteReader::count_batches(std::int64_t campaign) const {
  return first_integer(
      connection_.prepare("SELECT count(*) FROM batches WHERE campaign = ?1").bind(campaign));
}

std::optional<Proposal> SqliteReader::find_proposal(std::string_view id) const {
  return one(connection_.prepare("SELECT " PROPOSAL_COLUMNS "WHERE o.id = ?1").bind(id),
             read_proposal);
}

std::vector<Proposal> SqliteReader::proposals(std::int64_t campaign, const ProposalFilter& filter,
                                              const Page& page) const {
  if (filter.state) {
    return all(connection_
                   .prepare("SELECT " PROPOSAL_COLUMNS
                            "WHERE o.campaign = ?1 AND o.state = ?2 AND o.seq > ?3 "
                            "AND (?4 = '' OR b.id = ?4) AND (?5 = '' OR o.client = ?5) "
                            "ORDER BY o.seq LIMIT ?6")
                   .bind(campaign, campaign::to_string(*filter.state), page.after, filter.batch,
                         filter.client, page.limit),
               read_proposal);
  }
  return all(connection_
                 .prepare("SELECT " PROPOSAL_COLUMNS "WHERE o.campaign = ?1 AND o.seq > ?2 "
                          "AND (?3 = '' OR b.id = ?3) AND (?4 = '' OR o.client = ?4) "
                          "ORDER BY o.seq LIMIT ?5")
                 .bind(campaign, page.after, filter.batch, filter.client, page.limit),
             read_proposal);
}

std::vector<Proposal> SqliteReader::answerable_proposals(std::int64_t campaign,
                                                         std::int64_t catalyst) const {
  // Most results answer no proposal: a look at the index tells.
  Statement& find =
      connection_.prepare("SELECT 1 FROM proposals WHERE catalyst = ?2 AND campaign = ?1 LIMIT 1");
  if (!any(find.bind(campaign, catalyst))) return {};
  return all(connection_
                 .prepare("SELECT " PROPOSAL_COLUMNS "WHERE o.catalyst = ?2 AND o.campaign = ?1 "
                          "AND o.state IN ('ACTIVE', 'PARTIAL', 'REQUESTED', 'FAILED', 'EXPIRED') "
                          "ORDER BY CASE o.state WHEN 'ACTIVE' THEN 0 WHEN 'PARTIAL' THEN 1 "
                          "WHEN 'REQUESTED' THEN 2 WHEN 'FAILED' THEN 3 ELSE 4 END, o.seq")
                 .bind(campaign, catalyst),
             read_proposal);
}

std::vector<Proposal> SqliteReader::lapsed_proposals(Time now) const {
  return all(connection_
                 .prepare("SELECT " PROPOSAL_COLUMNS
                          "WHERE o.state = 'ACTIVE' AND o.lease_expires <= ?1 ORDER BY o.seq")
                 .bind(now),
             read_proposal);
}

std::vector<std::string> SqliteReader::measured_for_proposal(std::string_view proposal) const {
  if (proposal.empty()) return {};
  return all_texts(connection_
                       .prepare("SELECT DISTINCT p.name FROM runs r "
                                "CROSS JOIN measurements m ON m.run = r.seq "
                                "CROSS JOIN properties p ON p.key = m.property "
                                "WHERE r.proposal = ?1 AND r.proposal <> '' "
                                "AND r.kind IN ('catalyst', 'reference') "
                                "AND NOT EXISTS (SELECT 1 FROM not_live l WHERE "
                                "l.measurement = m.seq AND NOT (l.why = 'excluded' AND "
                                "m.flags & ?2)) ORDER BY p.name")
                       .bind(proposal, static_cast<std::int64_t>(campaign::kFlagCensored)));
}

}  // namespace kasetsu::store
