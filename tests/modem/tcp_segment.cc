// SPDX-License-Identifier: GPL-2.0
#include "tcp_segment.h"
#include "ip_wire.h"

namespace vmodem::ip {

static constexpr uint8_t end_option = 0, no_operation = 1, mss_option = 2, window_scale_option = 3;

static void parse_options(ByteView options, TcpSegment &segment) {
    while (!options.empty() && options[0] != end_option) {
        if (options[0] == no_operation) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size())
            return;
        if (options[0] == mss_option && options[1] == 4)
            segment.mss = load16(&options[2]);
        else if (options[0] == window_scale_option && options[1] == 3)
            segment.window_scale = options[2];
        options = options.subspan(options[1]);
    }
}

std::optional<TcpSegment> parse_tcp(ByteView bytes) {
    if (bytes.size() < 20)
        return std::nullopt;
    size_t header = (bytes[12] >> 4) * 4u;
    if (header < 20 || header > bytes.size())
        return std::nullopt;
    TcpSegment segment{};
    segment.remote_port = load16(&bytes[0]);
    segment.local_port = load16(&bytes[2]);
    segment.sequence = load32(&bytes[4]);
    segment.acknowledgement = load32(&bytes[8]);
    segment.flags = bytes[13];
    segment.window = load16(&bytes[14]);
    segment.payload = bytes.subspan(header);
    if (segment.flags & syn) // options that matter here come with a SYN only
        parse_options(bytes.subspan(20, header - 20), segment);
    return segment;
}

Bytes make_tcp(const Path &path, const TcpHeader &header, size_t payload_size) {
    size_t size = 20 + (header.mss ? 4 : 0) + (header.window_scale ? 4 : 0);
    Bytes packet = make_packet(path, Protocol::tcp, size + payload_size);
    uint8_t *p = payload_of(packet).data();
    store16(p, header.local_port);
    store16(p + 2, header.remote_port);
    store32(p + 4, header.sequence);
    store32(p + 8, header.acknowledgement);
    p[12] = uint8_t(size / 4 << 4);
    p[13] = header.flags;
    store16(p + 14, header.window);
    p += 20;
    if (header.mss) {
        p[0] = mss_option;
        p[1] = 4;
        store16(p + 2, *header.mss);
        p += 4;
    }
    if (header.window_scale) {
        p[0] = no_operation;
        p[1] = window_scale_option;
        p[2] = 3;
        p[3] = *header.window_scale;
    }
    return packet;
}

} // namespace vmodem::ip
