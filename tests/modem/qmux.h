// SPDX-License-Identifier: GPL-2.0
// QMUX frames, QMI messages and TLVs as plain bytes. Little endian throughout.
// Format: shared by the modem's QMI server and the test dialler's client.
#pragma once

#include "bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vmodem {

enum class Service : uint8_t {
    ctl = 0x00,
    wds = 0x01,
    dms = 0x02,
    nas = 0x03,
    qos = 0x04,
    wms = 0x05,
    uim = 0x0b,
    loc = 0x10,
    wda = 0x1a,
};

enum class QmiError : uint16_t {
    none = 0,
    malformed_message = 1,
    no_memory = 2,
    internal = 3,
    client_ids_exhausted = 5,
    invalid_client_id = 7,
    invalid_handle = 9,
    invalid_profile = 10,
    call_failed = 14,
    out_of_call = 15,
    missing_argument = 17,
    argument_too_long = 19,
    no_effect = 26,
    device_not_ready = 52,
    invalid_argument = 48,
    invalid_service = 31,
    not_supported = 94,
    invalid_qmi_command = 71,
};

enum class QmiKind : uint8_t { request, response, indication };

// One QMI message in a QMUX frame. CTL differs from the other services in the width of its
// transaction number and in its flag bits; encode() and decode() hide that.
struct QmiMessage {
    bool from_modem = false; // QMUX flags: 0x80 from the modem, 0x00 from the host
    Service service = Service::ctl;
    uint8_t client = 0;
    QmiKind kind = QmiKind::request;
    uint16_t transaction = 0;
    uint16_t id = 0;
    Bytes tlvs; // encoded TLVs

    void put(uint8_t type, ByteView value);
    void put_u8(uint8_t type, uint8_t value);
    void put_u16(uint8_t type, uint16_t value);
    void put_u32(uint8_t type, uint32_t value);
    void put_string(uint8_t type, std::string_view value);
    // Result TLV 0x02.
    void put_result(QmiError error);

    // First TLV of that type; nullopt if there is none.
    std::optional<ByteView> find(uint8_t type) const;
    // nullopt if there is none or it is shorter than the integer.
    std::optional<uint8_t> find_u8(uint8_t type) const;
    std::optional<uint16_t> find_u16(uint8_t type) const;
    std::optional<uint32_t> find_u32(uint8_t type) const;
    // What the Result TLV says; nullopt without one.
    std::optional<QmiError> result() const;
};

// For TLV values of several fields.
void append_u16(Bytes &bytes, uint16_t value);
void append_u32(Bytes &bytes, uint32_t value);

Bytes encode(const QmiMessage &message);
// nullopt if the frame is cut, its lengths disagree or a TLV overruns it.
std::optional<QmiMessage> decode(ByteView qmux_frame);

} // namespace vmodem
