// SPDX-License-Identifier: GPL-2.0
#include "usb_power.h"

#include <fstream>

namespace vmodem {

UsbPower::UsbPower(const std::string &device)
    : directory_("/sys/bus/usb/devices/" + device + "/power/") {}

bool UsbPower::suspended() const {
    std::ifstream file(directory_ + "runtime_status");
    std::string status;
    return file >> status && status == "suspended";
}

void UsbPower::wake() const {
    std::string control;
    std::ifstream(directory_ + "control") >> control;
    if (control != "auto")
        return; // it is not allowed to be suspended at all
    std::ofstream(directory_ + "control") << "on" << std::flush;
    std::ofstream(directory_ + "control") << "auto" << std::flush;
}

} // namespace vmodem
