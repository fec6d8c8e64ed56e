// SPDX-License-Identifier: GPL-2.0
#include "qmux.h"

#include <stdexcept>

namespace vmodem {

namespace {

constexpr uint8_t qmux_marker = 0x01;
constexpr uint8_t qmux_from_modem = 0x80;
constexpr size_t qmux_header = 6; // marker, u16 length, flags, service, client
constexpr size_t tlv_header = 3;  // type, u16 length

// The SDU behind the QMUX header. The flag bits of CTL sit one lower: it has no 'compound' bit.
struct SduLayout {
    size_t header;
    size_t transaction_width;
    uint8_t response, indication;
};

SduLayout layout_of(Service service) {
    if (service == Service::ctl)
        return {6, 1, 0x01, 0x02};
    return {7, 2, 0x02, 0x04};
}

void append_integer(Bytes &bytes, uint32_t value, size_t width) {
    for (size_t i = 0; i < width; i++)
        bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void append_length(Bytes &bytes, size_t length) {
    if (length > UINT16_MAX)
        throw std::length_error("QMI length beyond 16 bits");
    append_integer(bytes, length, 2);
}

uint32_t read_integer(ByteView bytes, size_t offset, size_t width) {
    uint32_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= uint32_t{bytes[offset + i]} << (8 * i);
    return value;
}

struct Tlv {
    uint8_t type;
    ByteView value;
};

// Takes the next TLV off the front; nullopt if what is left is empty or cut.
std::optional<Tlv> next_tlv(ByteView &rest) {
    if (rest.size() < tlv_header)
        return std::nullopt;
    const size_t length = read_integer(rest, 1, 2);
    if (rest.size() - tlv_header < length)
        return std::nullopt;
    const Tlv tlv{rest[0], rest.subspan(tlv_header, length)};
    rest = rest.subspan(tlv_header + length);
    return tlv;
}

std::optional<uint32_t> find_integer(const QmiMessage &message, uint8_t type, size_t width) {
    const auto value = message.find(type);
    if (!value || value->size() < width)
        return std::nullopt;
    return read_integer(*value, 0, width);
}

} // namespace

void QmiMessage::put(uint8_t type, ByteView value) {
    tlvs.push_back(type);
    append_length(tlvs, value.size());
    tlvs.insert(tlvs.end(), value.begin(), value.end());
}

void QmiMessage::put_u8(uint8_t type, uint8_t value) {
    put(type, ByteView(&value, 1));
}

void QmiMessage::put_u16(uint8_t type, uint16_t value) {
    tlvs.push_back(type);
    append_length(tlvs, 2);
    append_integer(tlvs, value, 2);
}

void QmiMessage::put_u32(uint8_t type, uint32_t value) {
    tlvs.push_back(type);
    append_length(tlvs, 4);
    append_integer(tlvs, value, 4);
}

void QmiMessage::put_string(uint8_t type, std::string_view value) {
    put(type, ByteView(reinterpret_cast<const uint8_t *>(value.data()), value.size()));
}

void QmiMessage::put_result(QmiError error) {
    tlvs.push_back(0x02);
    append_length(tlvs, 4);
    append_integer(tlvs, error == QmiError::none ? 0 : 1, 2);
    append_integer(tlvs, static_cast<uint16_t>(error), 2);
}

std::optional<ByteView> QmiMessage::find(uint8_t type) const {
    ByteView rest = tlvs;
    while (const auto tlv = next_tlv(rest)) {
        if (tlv->type == type)
            return tlv->value;
    }
    return std::nullopt;
}

std::optional<uint8_t> QmiMessage::find_u8(uint8_t type) const {
    return find_integer(*this, type, 1);
}

std::optional<uint16_t> QmiMessage::find_u16(uint8_t type) const {
    return find_integer(*this, type, 2);
}

std::optional<uint32_t> QmiMessage::find_u32(uint8_t type) const {
    return find_integer(*this, type, 4);
}

std::optional<QmiError> QmiMessage::result() const {
    const auto value = find(0x02);
    if (!value || value->size() < 4)
        return std::nullopt;
    if (read_integer(*value, 0, 2) == 0)
        return QmiError::none;
    const auto error = static_cast<QmiError>(read_integer(*value, 2, 2));
    return error == QmiError::none ? QmiError::internal : error; // failed, but not of what
}

void append_u16(Bytes &bytes, uint16_t value) {
    append_integer(bytes, value, 2);
}

void append_u32(Bytes &bytes, uint32_t value) {
    append_integer(bytes, value, 4);
}

Bytes encode(const QmiMessage &message) {
    const SduLayout layout = layout_of(message.service);
    Bytes frame;
    frame.reserve(qmux_header + layout.header + message.tlvs.size());
    frame.push_back(qmux_marker);
    append_length(frame, qmux_header - 1 + layout.header + message.tlvs.size());
    frame.push_back(message.from_modem ? qmux_from_modem : 0);
    frame.push_back(static_cast<uint8_t>(message.service));
    frame.push_back(message.client);

    uint8_t flags = 0;
    if (message.kind == QmiKind::response)
        flags = layout.response;
    else if (message.kind == QmiKind::indication)
        flags = layout.indication;
    frame.push_back(flags);
    append_integer(frame, message.transaction, layout.transaction_width);
    append_integer(frame, message.id, 2);
    append_length(frame, message.tlvs.size());
    frame.insert(frame.end(), message.tlvs.begin(), message.tlvs.end());
    return frame;
}

std::optional<QmiMessage> decode(ByteView frame) {
    if (frame.size() < qmux_header || frame[0] != qmux_marker ||
        read_integer(frame, 1, 2) != frame.size() - 1)
        return std::nullopt;

    QmiMessage message;
    message.from_modem = frame[3] & qmux_from_modem;
    message.service = static_cast<Service>(frame[4]);
    message.client = frame[5];

    const SduLayout layout = layout_of(message.service);
    const ByteView sdu = frame.subspan(qmux_header);
    if (sdu.size() < layout.header)
        return std::nullopt;
    if (sdu[0] & layout.indication)
        message.kind = QmiKind::indication;
    else if (sdu[0] & layout.response)
        message.kind = QmiKind::response;
    message.transaction = read_integer(sdu, 1, layout.transaction_width);
    message.id = read_integer(sdu, 1 + layout.transaction_width, 2);

    const ByteView tlvs = sdu.subspan(layout.header);
    if (read_integer(sdu, 3 + layout.transaction_width, 2) != tlvs.size())
        return std::nullopt;
    ByteView rest = tlvs;
    while (!rest.empty()) {
        if (!next_tlv(rest))
            return std::nullopt;
    }
    message.tlvs.assign(tlvs.begin(), tlvs.end());
    return message;
}

} // namespace vmodem
