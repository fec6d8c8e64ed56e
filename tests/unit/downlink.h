// SPDX-License-Identifier: GPL-2.0
// What tests of a USB device have it send to the host.
#pragma once

#include "../modem/bytes.h"

#include <deque>
#include <optional>

namespace vmodem {

// The next transfer, as UsbDevice's downlink hook gives it.
inline std::optional<Bytes> take_first(std::deque<Bytes> &transfers) {
    if (transfers.empty())
        return std::nullopt;
    Bytes first = std::move(transfers.front());
    transfers.pop_front();
    return first;
}

} // namespace vmodem
