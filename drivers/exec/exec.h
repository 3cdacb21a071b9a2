// A program as a driver: it prints one JSON delivery a line on its standard output, reads one
// answer a line on its standard input, and what it writes to standard error goes to the log. Wraps
// any script that can talk to an instrument: yadg, SiLA 2, OPC UA, EPICS, pyvisa.
#pragma once

#include <memory>

#include "drivers/supervisor/driver.h"

namespace kasetsu::drivers {

std::unique_ptr<Driver> make_exec_driver(const Settings& settings, const Host& host,
                                         Counters& counters);

}  // namespace kasetsu::drivers
