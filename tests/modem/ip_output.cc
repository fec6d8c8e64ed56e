// SPDX-License-Identifier: GPL-2.0
#include "ip_output.h"
#include "ip_wire.h"

#include <algorithm>

namespace vmodem::ip {

void Output::send(Bytes packet, size_t checksum_offset) {
    fill_payload_checksum(packet, checksum_offset);
    if (packet.size() > mtu_)
        return send_fragments(packet);
    if (packet[0] >> 4 == 4) {
        store16(&packet[4], next_id_++);
        fill_header_checksum(packet);
    }
    emit(std::move(packet));
}

void Output::send_fragments(Bytes &packet) {
    bool v6 = packet[0] >> 4 == 6;
    size_t header = v6 ? 48 : 20;
    size_t piece = (mtu_ - header) / 8 * 8;
    std::span<uint8_t> payload = payload_of(packet);
    uint32_t id = next_id_++;
    for (size_t offset = 0; offset < payload.size(); offset += piece) {
        size_t length = std::min(piece, payload.size() - offset);
        bool more = offset + length < payload.size();
        Bytes fragment(header + length);
        std::copy_n(packet.begin(), v6 ? 40 : 20, fragment.begin());
        std::copy_n(payload.begin() + ptrdiff_t(offset), length,
                    fragment.begin() + ptrdiff_t(header));
        if (v6) {
            store16(&fragment[4], uint32_t(8 + length));
            fragment[40] = fragment[6];
            fragment[6] = 44;
            store16(&fragment[42], uint32_t(offset | (more ? 1 : 0)));
            store32(&fragment[44], id);
        } else {
            store16(&fragment[2], uint32_t(fragment.size()));
            store16(&fragment[4], id);
            store16(&fragment[6], uint32_t(offset / 8 | (more ? 0x2000 : 0)));
            fill_header_checksum(fragment);
        }
        emit(std::move(fragment));
    }
}

void Output::emit(Bytes packet) {
    ++packets_out_;
    emit_(std::move(packet));
}

} // namespace vmodem::ip
