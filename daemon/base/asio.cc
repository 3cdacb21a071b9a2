// The single-source parts of Asio, its TLS and Beast, compiled once for every room.
#include "daemon/base/asio.h"

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
