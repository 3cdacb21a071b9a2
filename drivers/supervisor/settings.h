// What the daemon's file says of one driver ([drivers.NAME]); daemon/service/driver_config.cc reads
// it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kasetsu::drivers {

struct FolderSettings {
  std::string path;               // holds inbox/, work/, done/, quarantine/
  std::vector<std::string> tail;  // patterns of files that grow and are read line by line
  double settle_s = 5.0;          // a file whose size and time stand still this long is complete
  double scan_s = 10.0;           // looked through anew, whatever inotify says
  double stale_s = 3'600.0;       // a file that stays empty this long is put aside
  double max_MiB = 64.0;          // larger: put aside
  bool polling = false;           // true: no inotify (told by itself on network file systems)
};

struct MqttSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  std::string client_id;      // empty: kasetsu-NAME
  std::string version = "5";  // 5 or 3.1.1
  std::string base;           // "lab/v1/site/room": topics are below it
  std::string user, password_file;
  std::string ca_file, certificate_file, key_file;  // PEM; ca_file: TLS
  bool proposals = true;                            // publish them
  double keepalive_s = 60.0;
  double session_expiry_h = 168.0;  // how long the broker keeps messages for an absent daemon
};

struct ExecSettings {
  std::vector<std::string> command;                // program and arguments, no shell
  std::string folder;                              // where it runs; empty: its state folder
  std::map<std::string, std::string> environment;  // beside PATH, HOME, LANG
  std::string user;                                // run as; needs root
  double silence_s = 0.0;       // without a line for this long it is ended; 0: never
  double every_s = 0.0;         // start again this long after it ended well; 0: once
  double memory_MiB = 2'048.0;  // address space
  double cpu_s = 0.0;           // 0: no limit
  std::int64_t files = 256;     // open files
  double line_MiB = 16.0;       // longest line
};

struct Settings {
  std::string name;
  std::string kind;  // folder, mqtt, exec
  bool enabled = true;
  std::string campaign;
  std::string source, run;
  std::string profile;   // for tables
  int header_lines = 1;  // of the profile's tables, for files that grow
  std::string id;        // column of sample labels, without a profile
  bool whole = false, revise = false;
  // Of tables without a profile, as the command line's options of these names.
  std::string repeats = "ask", composition, sheet, encoding, decimal, name_amounts;
  std::vector<std::string> ignore, fill_down, null;
  FolderSettings folder;
  MqttSettings mqtt;
  ExecSettings exec;
};

}  // namespace kasetsu::drivers
