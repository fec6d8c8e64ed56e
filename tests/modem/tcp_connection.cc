// SPDX-License-Identifier: GPL-2.0
#include "tcp_connection.h"

#include <algorithm>

namespace vmodem::ip {

using namespace std::chrono_literals;

static constexpr unsigned receive_window_shift = 7; // up to 8 MiB
static constexpr auto delayed_ack = 5ms;
static constexpr Clock::duration initial_timeout = 1s, min_timeout = 1s, max_timeout = 8s;
static constexpr Clock::duration linger = 1s, long_idle = 60s;
static constexpr unsigned max_retries = 12;
static constexpr unsigned segments_after_timeout = 4;
static constexpr size_t kept_overhead = 128; // of a kept segment besides its bytes

TcpConnection::TcpConnection(Context &context, const Path &path, const TcpSegment &syn,
                             std::unique_ptr<TcpService> service, uint32_t initial_sequence,
                             Clock::time_point now)
    : context_(context), path_(path), local_port_(syn.local_port), remote_port_(syn.remote_port),
      service_(std::move(service)), last_heard_(now), remote_initial_(syn.sequence),
      initial_(initial_sequence), timeout_(initial_timeout) {
    receive_mss_ = context_.output.mtu() - path_.header_size() - 20;
    size_t offered = syn.mss.value_or(path_.v6 ? 1220 : 536);
    mss_ = std::clamp<size_t>(offered, 64, receive_mss_);
    if (syn.window_scale) {
        window_shift_ = receive_window_shift;
        send_shift_ = std::min<unsigned>(*syn.window_scale, 14);
    }
    window_ = syn.window; // a SYN's is never scaled
    in_flight_limit_ = max_in_flight();
    timer_ = now + timeout_;
    send_syn_ack();
}

TcpConnection::~TcpConnection() {
    for (const auto &[position, bytes] : kept_)
        context_.reassembly_budget += bytes.size() + kept_overhead;
}

bool TcpConnection::expendable(Clock::time_point now) const {
    return !established_ || lingering_ || now - last_heard_ > long_idle;
}

Position TcpConnection::room() const {
    return std::min(Position(service_->room()), Position(max_plain_window) << window_shift_);
}

TcpHeader TcpConnection::header(Position position, uint8_t flags) {
    window_edge_ = std::max(window_edge_, received_ + room()); // it never moves back
    Position window =
        std::min((window_edge_ - received_) >> window_shift_, Position(max_plain_window));
    return {local_port_,
            remote_port_,
            initial_ + 1 + uint32_t(position),
            remote_initial_ + 1 + uint32_t(received_),
            flags,
            uint16_t(window),
            {},
            {}};
}

void TcpConnection::send_syn_ack() {
    TcpHeader syn_ack = header(0, syn | ack);
    syn_ack.sequence = initial_;
    syn_ack.window = uint16_t(std::min(window_edge_, Position(max_plain_window)));
    syn_ack.mss = uint16_t(receive_mss_);
    if (window_shift_)
        syn_ack.window_scale = uint8_t(window_shift_);
    context_.output.send(make_tcp(path_, syn_ack, 0), tcp_checksum_offset);
}

void TcpConnection::send_ack() {
    context_.output.send(make_tcp(path_, header(next_, ack), 0), tcp_checksum_offset);
    ack_sent();
}

void TcpConnection::ack_sent() {
    ack_now_ = false;
    ack_timer_ = never;
    unacknowledged_ = 0;
}

void TcpConnection::send_reset() {
    context_.output.send(make_tcp(path_, header(next_, rst | ack), 0), tcp_checksum_offset);
    closed_ = true;
}

// length bytes from that position, and the FIN if it comes next.
void TcpConnection::send_segment(Position position, size_t length, Clock::time_point now) {
    Position end = position + Position(length);
    uint8_t flags = ack;
    if (end == service_->output_end()) {
        flags |= length ? psh : 0;
        flags |= service_->output_complete() ? fin : 0;
    }
    Bytes packet = make_tcp(path_, header(position, flags), length);
    service_->read(position, payload_of(packet).last(length));
    context_.output.send(std::move(packet), tcp_checksum_offset);
    end += (flags & fin) != 0;

    if (position < sent_) {
        ++context_.statistics.tcp_retransmits;
        timed_position_.reset(); // Karn: its acknowledgement could be for either
    } else if (!timed_position_) {
        timed_position_ = end;
        timed_at_ = now;
    }
    sent_ = std::max(sent_, end);
    ack_sent();
    if (timer_ == never)
        arm(now);
}

void TcpConnection::retransmit_first(Clock::time_point now) {
    Position left = std::max<Position>(service_->output_end() - acked_, 0);
    send_segment(acked_, size_t(std::min(Position(mss_), left)), now);
}

// For what is in flight, or kept back by a window that is shut.
void TcpConnection::arm(Clock::time_point now) {
    bool waiting = acked_ < sent_ || next_ < output_end_with_fin();
    timer_ = waiting ? now + timeout_ : never;
}

bool TcpConnection::pump(size_t max_segments, Clock::time_point now) {
    if (!established_ || closed_)
        return false;
    Position end = service_->output_end();
    Position limit = acked_ + std::min(window_, in_flight_limit_);
    while (next_ < output_end_with_fin()) {
        Position length = std::min(Position(mss_), std::max<Position>(end - next_, 0));
        if (next_ + length > limit) {
            // A part of a segment only when nothing else is on the way to open the window.
            if (next_ > acked_ || limit <= next_)
                break;
            length = limit - next_;
        }
        if (max_segments-- == 0 || !context_.output.has_room())
            return true;
        send_segment(next_, size_t(length), now);
        next_ += length;
        if (next_ == end && service_->output_complete())
            ++next_;
    }
    if (timer_ == never)
        arm(now);
    return false;
}

void TcpConnection::flush(Clock::time_point now) {
    if (closed_ || !established_)
        return;
    // Tell of a window that was small and has opened.
    if (window_edge_ - received_ < room() / 2 && room() >= Position(2 * receive_mss_))
        ack_now_ = true;
    if (ack_now_ || now >= ack_timer_)
        send_ack();
}

void TcpConnection::receive(const TcpSegment &segment, Clock::time_point now) {
    last_heard_ = now;
    Position start =
        received_ + int32_t(segment.sequence - remote_initial_ - 1 - uint32_t(received_));
    Position end = start + segment.length();
    if (receive_reset_or_syn(segment, start) || !(segment.flags & ack))
        return;
    if ((start < received_ && end <= received_) || start > window_edge_) {
        ack_now_ = true;
        if (lingering_)
            timer_ = now + linger; // long enough to answer the next repetition too
        return;
    }
    if (!receive_ack(segment, start, now))
        return;
    if (end > start)
        receive_data(segment, start, now);
    close_if_done(now);
}

// True if that was all there is to do.
bool TcpConnection::receive_reset_or_syn(const TcpSegment &segment, Position start) {
    if (segment.flags & rst) {
        // Only an exact one is believed; one in the window is asked about (RFC 5961).
        if (start == received_)
            closed_ = true;
        else if (start > received_ && start < window_edge_)
            ack_now_ = true;
        return true;
    }
    if (segment.flags & syn) {
        if (!established_ && segment.sequence == remote_initial_)
            send_syn_ack(); // ours was lost
        else
            ack_now_ = true;
        return true;
    }
    return false;
}

// False if the segment is to be dropped.
bool TcpConnection::receive_ack(const TcpSegment &segment, Position start, Clock::time_point now) {
    Position acked = acked_ + int32_t(segment.acknowledgement - initial_ - 1 - uint32_t(acked_));
    if (!established_) {
        if (acked != 0) {
            send_reset();
            return false;
        }
        established_ = true;
        timer_ = never;
        retries_ = 0;
    }
    if (acked > sent_) {
        ack_now_ = true;
        return false;
    }
    Position window = Position(segment.window) << send_shift_;
    if (acked > acked_)
        new_ack(acked, now);
    else if (acked == acked_ && segment.length() == 0 && window > 0)
        duplicate_ack(now);
    if (acked == acked_ &&
        (start > window_start_ || (start == window_start_ && acked >= window_ack_))) {
        bool opens = window_ == 0 && window > 0;
        window_ = window;
        window_start_ = start;
        window_ack_ = acked;
        if (opens)
            arm(now); // the timer was the probe's
    }
    if (window_ == 0)
        retries_ = 0; // it is alive and means it
    return true;
}

void TcpConnection::new_ack(Position acked, Clock::time_point now) {
    if (timed_position_ && acked >= *timed_position_) {
        measure(now - timed_at_);
        timed_position_.reset();
    }
    in_flight_limit_ = std::min(in_flight_limit_ + (acked - acked_), max_in_flight());
    acked_ = acked;
    next_ = std::max(next_, acked);
    duplicate_acks_ = 0;
    retries_ = 0;
    service_->acknowledged(std::min(acked, service_->output_end()));
    if (recovering_until_ && acked >= *recovering_until_)
        recovering_until_.reset();
    if (recovering_until_)
        retransmit_first(now); // the next hole
    arm(now);
}

void TcpConnection::duplicate_ack(Clock::time_point now) {
    // After a time-out everything is sent again anyway, and much of it acknowledged twice.
    bool repeating = next_ < sent_;
    if (acked_ == sent_ || window_ == 0 || recovering_until_ || repeating)
        return;
    if (++duplicate_acks_ < 3)
        return;
    recovering_until_ = sent_;
    retransmit_first(now);
}

// RFC 6298.
void TcpConnection::measure(Clock::duration sample) {
    if (smoothed_ == Clock::duration::zero()) {
        smoothed_ = sample;
        variation_ = sample / 2;
    } else {
        variation_ = (3 * variation_ + std::chrono::abs(smoothed_ - sample)) / 4;
        smoothed_ = (7 * smoothed_ + sample) / 8;
    }
    timeout_ = std::clamp(smoothed_ + 4 * variation_, min_timeout, max_timeout);
}

void TcpConnection::receive_data(const TcpSegment &segment, Position start, Clock::time_point now) {
    ByteView bytes = segment.payload;
    if (start > received_ && !bytes.empty())
        ++context_.statistics.tcp_out_of_order;
    if (input_ended()) {
        ack_now_ = true;
        return;
    }
    if (segment.flags & fin && !fin_position_)
        fin_position_ = start + Position(bytes.size());
    // Cut off what is here already, what was not offered, and what follows the end.
    if (start < received_) {
        bytes = bytes.subspan(std::min(bytes.size(), size_t(received_ - start)));
        start = received_;
    }
    Position edge = std::min(window_edge_, fin_position_.value_or(window_edge_));
    bytes = bytes.first(std::min(bytes.size(), size_t(std::max<Position>(edge - start, 0))));

    if (start > received_) {
        keep(start, bytes);
        ack_now_ = true;
        return;
    }
    if (!kept_.empty() || bytes.size() < segment.payload.size())
        ack_now_ = true;
    deliver(bytes);
    drain_kept();
    if (fin_position_ == received_ && !closed_) {
        ++received_;
        service_->end_of_input();
        ack_now_ = true;
    }
    unacknowledged_ += bytes.size();
    if (segment.flags & psh || unacknowledged_ >= context_.segments_per_ack * receive_mss_)
        ack_now_ = true;
    else if (ack_timer_ == never)
        ack_timer_ = now + delayed_ack;
}

void TcpConnection::keep(Position start, ByteView bytes) {
    size_t cost = bytes.size() + kept_overhead;
    if (bytes.empty() || cost > context_.reassembly_budget)
        return;
    if (kept_.try_emplace(start, bytes.begin(), bytes.end()).second)
        context_.reassembly_budget -= cost;
}

void TcpConnection::deliver(ByteView bytes) {
    if (fin_position_)
        bytes = bytes.first(std::min(bytes.size(), size_t(*fin_position_ - received_)));
    if (bytes.empty() || closed_)
        return;
    received_ += Position(bytes.size());
    if (!service_->receive(bytes))
        send_reset();
}

void TcpConnection::drain_kept() {
    while (!kept_.empty() && kept_.begin()->first <= received_) {
        auto node = kept_.extract(kept_.begin());
        const Bytes &bytes = node.mapped();
        context_.reassembly_budget += bytes.size() + kept_overhead;
        auto known = size_t(received_ - node.key());
        if (known < bytes.size())
            deliver(ByteView(bytes).subspan(known));
    }
}

// Both FINs are acknowledged: stay a little to answer what the host repeats.
void TcpConnection::close_if_done(Clock::time_point now) {
    if (lingering_ || closed_ || !input_ended() || !service_->output_complete() ||
        acked_ < output_end_with_fin())
        return;
    lingering_ = true;
    timer_ = now + linger;
}

void TcpConnection::run_timers(Clock::time_point now) {
    if (now < timer_)
        return;
    if (lingering_)
        closed_ = true;
    else
        retransmission_timeout(now);
}

void TcpConnection::retransmission_timeout(Clock::time_point now) {
    if (!context_.output.has_room()) {
        timer_ = now + timeout_; // what it waits for may not even have left
        return;
    }
    if (++retries_ > max_retries)
        return send_reset();
    timeout_ = std::min(timeout_ * 2, max_timeout);
    timer_ = now + timeout_;
    if (!established_)
        return send_syn_ack();
    if (window_ == 0) { // one byte, or the FIN, to learn the window
        send_segment(acked_, acked_ < service_->output_end() ? 1 : 0, now);
        return;
    }
    recovering_until_.reset();
    duplicate_acks_ = 0;
    in_flight_limit_ = Position(mss_) * segments_after_timeout;
    next_ = acked_; // pump goes on from there
}

} // namespace vmodem::ip
