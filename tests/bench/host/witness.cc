// SPDX-License-Identifier: GPL-2.0
#include "witness.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace bench {

using namespace std::chrono_literals;
using vmodem::Clock;

static constexpr auto patience = 20s; // for the last packets, which the VM has sent
static constexpr uint8_t first_mux = 0x81;
static constexpr unsigned most_pdns = 4;

// To where bench_guest sends what is not to be answered: 240.0.0.0/4 (see guest/link.h).
static bool goes_into_black_hole(vmodem::ByteView packet) {
    return packet.size() >= 20 && packet[0] >> 4 == 4 && packet[16] >> 4 == 0xf;
}

Witness::Witness(vmodem::ModemOptions &options) {
    options.uplink_packet = [this](uint8_t, vmodem::ByteView packet, uint64_t) {
        if (goes_into_black_hole(packet))
            unanswered_++;
    };
}

Witness::Taken Witness::taken_by(const vmodem::Modem &modem) const {
    Taken taken;
    for (unsigned i = 0; i < most_pdns; i++) {
        const auto peer = modem.peer(uint8_t(first_mux + i));
        taken.sunk += peer.udp_sunk_packets;
        taken.bad += peer.bad_packets + peer.tcp_sink_mismatches;
        taken.repeated += peer.tcp_retransmits + peer.tcp_out_of_order;
    }
    taken.sunk += unanswered_;
    const auto uplink = modem.uplink();
    taken.bad += uplink.violations + uplink.dropped_unbound;
    return taken;
}

bool Witness::confirm(const vmodem::Modem &modem, const Sample &sample) {
    const auto end = Clock::now() + patience;
    Taken now = taken_by(modem);
    while (now.sunk - before_.sunk < sample.sunk && Clock::now() < end) {
        std::this_thread::sleep_for(10ms);
        now = taken_by(modem);
    }
    if (now.sunk - before_.sunk < sample.sunk)
        throw std::runtime_error(sample.scenario + ": the module got " +
                                 std::to_string(now.sunk - before_.sunk) + " packets, not " +
                                 std::to_string(sample.sunk));
    if (now.bad != before_.bad)
        throw std::runtime_error(sample.scenario + ": " + std::to_string(now.bad - before_.bad) +
                                 " packets were bad: " + modem.uplink().first_violation);
    const bool repeated = sample.repeated > 0 || now.repeated != before_.repeated;
    // What there is more is the next one's, which the VM has begun with.
    now.sunk = before_.sunk + sample.sunk;
    before_ = now;
    return !repeated;
}

void Witness::confirm_end(const vmodem::Modem &modem) const {
    const uint64_t more = taken_by(modem).sunk - before_.sunk;
    if (more)
        throw std::runtime_error("the module got " + std::to_string(more) +
                                 " packets more than were sent");
}

} // namespace bench
