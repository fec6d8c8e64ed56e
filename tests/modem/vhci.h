// SPDX-License-Identifier: GPL-2.0
// vhci_hcd's ports as sysfs shows them: find one, plug a socket into it, see it go empty.
#pragma once

#include "usb_attachment.h"

#include <string>
#include <string_view>
#include <vector>

namespace vmodem {

struct VhciPort {
    UsbSpeed speed;
    unsigned number;
    bool free;
};

// The status file's text as lines that make sense; others are left out.
std::vector<VhciPort> parse_vhci_status(std::string_view text);

// A socket plugged into a port.
class VhciPlug : public UsbPort {
  public:
    // Plugs the socket's far end into a free port of that speed. The kernel keeps a reference of
    // its own. Throws std::system_error or std::runtime_error, with the remedy.
    VhciPlug(int socket, UsbSpeed speed);

    std::string name() const override;
    std::string device() const override { return device_; }
    // Once the socket is closed.
    bool vacated() const override;

  private:
    unsigned port_;
    std::string device_;
};

} // namespace vmodem
