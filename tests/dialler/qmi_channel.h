// SPDX-License-Identifier: GPL-2.0
// What carries QMUX frames between a QMI client and a module.
#pragma once

#include "../modem/bytes.h"

#include <chrono>
#include <optional>
#include <string>

namespace dialler {

using vmodem::Bytes;
using vmodem::ByteView;

// Failures throw std::system_error (ENODEV, EIO: the module is gone).
class QmiChannel {
  public:
    virtual ~QmiChannel() = default;
    // One QMUX frame to the module.
    virtual void write(ByteView frame) = 0;
    // One QMUX frame from the module; nullopt if none comes in time.
    virtual std::optional<Bytes> read(std::chrono::milliseconds timeout) = 0;
};

// A cdc-wdm node, of which only one can be open at a time. A read of it can return several frames
// that have piled up in the driver.
class CdcWdm : public QmiChannel {
  public:
    explicit CdcWdm(const std::string &path);
    ~CdcWdm() override;
    CdcWdm(const CdcWdm &) = delete;
    CdcWdm &operator=(const CdcWdm &) = delete;

    void write(ByteView frame) override;
    std::optional<Bytes> read(std::chrono::milliseconds timeout) override;

  private:
    int fd_;
    Bytes unread_;
};

// Takes the first QMUX frame off the front; nullopt, and an empty buffer, if what is there is
// none.
std::optional<Bytes> take_qmux_frame(Bytes &buffer);

// "/dev/cdc-wdm0" for "wwan0"; empty if that netdev has none.
std::string find_cdc_wdm(const std::string &netdev);

} // namespace dialler
