// SPDX-License-Identifier: GPL-2.0
// The host's side of suspending a device. USB/IP has no message for a suspended port or for remote
// wake-up; but host and module are one machine here, so sysfs serves instead.
#pragma once

#include <string>

namespace vmodem {

class UsbPower {
  public:
    // A name under /sys/bus/usb/devices.
    explicit UsbPower(const std::string &device);

    bool suspended() const;
    // Has the host resume the device if it is suspended. To the device's driver that looks like a
    // remote wake-up. Waits for the resume, which needs the device's answers: not for its thread.
    void wake() const;

  private:
    std::string directory_;
};

} // namespace vmodem
