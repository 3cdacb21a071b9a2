// The connections of a server. Included by server.cc and session.cc alone.
#pragma once

#include <poll.h>

#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "daemon/http/server.h"
#include "daemon/http/session.h"

namespace kasetsu::http {

struct Server::State {
  std::vector<std::function<void()>> stop_accepting;
  std::list<SessionBase*> sessions;
  std::map<std::string, std::size_t> peers;
  std::size_t held = 0;                        // bytes of all bodies and answers
  std::map<std::string, std::size_t> held_by;  // by sender
  std::unique_ptr<asio::steady_timer> deadline;
  std::function<void()> drained;
  std::uint64_t requests = 0;
  std::string id_prefix;
  std::unique_ptr<asio::steady_timer> watch;  // while there are sessions

  static bool has_hung_up(int descriptor) {
    pollfd asked{descriptor, POLLRDHUP, 0};
    return ::poll(&asked, 1, 0) > 0;
  }

  // Gives up the sessions whose time is over, and those that wait for events whose client is gone,
  // and what other gone clients wait for, a few times within the shortest time that there is.
  void watch_sessions(asio::io_context& io, std::chrono::milliseconds pause) {
    if (!watch) watch = std::make_unique<asio::steady_timer>(io);
    watch->expires_after(pause);
    watch->async_wait([this, &io, pause](const boost::system::error_code& error) {
      if (error) return;
      const Clock::time_point now = Clock::now();
      const std::vector<SessionBase*> all(sessions.begin(), sessions.end());
      for (SessionBase* session : all) {
        const auto phase = session->phase();
        const bool watching = phase == SessionBase::Phase::watching;
        const bool gone = (watching || phase == SessionBase::Phase::handling) &&
                          has_hung_up(session->descriptor());
        if (gone) session->give_up_work();
        if (session->deadline() <= now || (watching && gone)) session->abort();
      }
      if (sessions.empty()) {
        watch.reset();
      } else {
        watch_sessions(io, pause);
      }
    });
  }
};

}  // namespace kasetsu::http
