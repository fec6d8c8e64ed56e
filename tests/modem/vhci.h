// SPDX-License-Identifier: GPL-2.0
// vhci_hcd's ports as sysfs shows them: find one, plug a socket into it, see it go empty.
#pragma once

#include "profile.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmodem {

struct VhciPort {
    UsbSpeed speed;
    unsigned number;
    bool free;
    std::string device; // name under /sys/bus/usb/devices; empty while there is none
};

// The status file's text as lines that make sense; others are left out.
std::vector<VhciPort> parse_vhci_status(std::string_view text);

// Throws std::system_error, with the remedy, if vhci_hcd is not there.
std::vector<VhciPort> vhci_ports();
std::optional<VhciPort> vhci_port(unsigned number);

// Plugs the socket's far end into a free port of that speed; returns the port's number. The kernel
// keeps a reference of its own. Throws std::system_error or std::runtime_error.
unsigned vhci_attach(int socket, UsbSpeed speed);

} // namespace vmodem
