// SPDX-License-Identifier: GPL-2.0
// The QMI dialogue of a dialler: the data format, then a call for each PDN and IP family.
#pragma once

#include "../modem/data_format.h"
#include "../modem/qmi_server.h"
#include "driver.h"
#include "qmi_client.h"

#include <optional>

namespace dialler {

using vmodem::DataFormat;
using vmodem::IpFamily;
using vmodem::PdnAddressing;

// Asks the module (WDA set data format) for what the driver is made for, as quectel-CM does.
// Returns the module's answer.
DataFormat agree_format(QmiClient &qmi, const DriverFacts &facts);
// The lesser of what the dialler asks for and what the module takes goes to the driver.
// False if there was nothing to tell or the driver does not want it.
bool apply_format(const Driver &driver, const DriverFacts &facts, const DataFormat &format);

class DataCall {
  public:
    // Binds to the mux (0: none, when the driver is not in QMAP mode), starts the call and waits
    // until the module says that it is connected. Throws QmiRefused or QmiTimeout.
    DataCall(QmiClient &qmi, const DriverFacts &facts, uint8_t mux_id, IpFamily family,
             uint8_t profile = 1);
    ~DataCall(); // hangs up, releases the client
    DataCall(const DataCall &) = delete;
    DataCall &operator=(const DataCall &) = delete;

    IpFamily family() const { return family_; }
    uint8_t client() const { return wds_.id; }
    uint32_t handle() const { return handle_; }
    bool connected();
    // Only what belongs to the call's family is filled in.
    PdnAddressing settings();
    // The next thing that the module says unasked: whether the call is up.
    std::optional<bool> wait_status(std::chrono::milliseconds timeout);
    void stop();

  private:
    void dial(const DriverFacts &facts, uint8_t mux_id, uint8_t profile);

    QmiClient &qmi_;
    ClientId wds_;
    IpFamily family_;
    uint32_t handle_ = 0; // 0: no call
};

} // namespace dialler
