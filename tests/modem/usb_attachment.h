// SPDX-License-Identifier: GPL-2.0
// Between a module and the host that it is plugged into: what carries its URBs, and the port.
// One implementation of the two for each way to get at a host.
#pragma once

#include "usb_device.h"

#include <memory>
#include <string>

namespace vmodem {

// A stream of URBs and their completions, served without blocking.
class UsbConnection {
  public:
    virtual ~UsbConnection() = default;

    virtual int fd() const = 0;
    // Takes what has come; false: the host is gone, or talks nonsense.
    virtual bool receive() = 0;
    // Queues a completion for the next flush().
    virtual void complete(UrbResult result) = 0;
    // Sends what is queued, as far as it goes; false: the host is gone.
    virtual bool flush() = 0;
    virtual bool unsent() const = 0;
};

class UsbPort {
  public:
    virtual ~UsbPort() = default;

    // For people.
    virtual std::string name() const = 0;
    // The name under /sys/bus/usb/devices that a device at this port has, once enumerated; empty
    // if the host is another machine.
    virtual std::string device() const = 0;
    // Once the connection is closed: the port is free again and the host has forgotten the device.
    virtual bool vacated() const = 0;
};

struct UsbAttachment {
    std::unique_ptr<UsbConnection> connection;
    std::shared_ptr<const UsbPort> port;
};

// Plugs a device in. Throws std::system_error or std::runtime_error with the reason.
using UsbAttach = std::function<UsbAttachment(UsbDevice &device, UsbSpeed speed)>;

// Into vhci_hcd of this machine, by USB/IP.
UsbAttachment attach_to_vhci(UsbDevice &device, UsbSpeed speed);

} // namespace vmodem
