// SPDX-License-Identifier: GPL-2.0
// One TCP connection, opened by the host.
//
// A FIN has the position after the last byte.
#pragma once

#include "tcp_segment.h"
#include "tcp_services.h"

#include <map>

namespace vmodem::ip {

class TcpConnection {
  public:
    // What all connections share.
    struct Context {
        Output &output;
        IpPeer::Statistics &statistics;
        unsigned segments_in_flight, segments_per_ack;
        size_t reassembly_budget; // bytes of out-of-order segments that may be kept
    };

    // Answers the SYN.
    TcpConnection(Context &context, const Path &path, const TcpSegment &syn,
                  std::unique_ptr<TcpService> service, uint32_t initial_sequence,
                  Clock::time_point now);
    ~TcpConnection();
    TcpConnection(const TcpConnection &) = delete;
    TcpConnection &operator=(const TcpConnection &) = delete;

    // After these two the caller calls pump, or puts it off, and flush.
    void receive(const TcpSegment &segment, Clock::time_point now);
    void run_timers(Clock::time_point now);
    // Sends up to so many segments of new data. True if it stopped for the link has no room, or
    // for their number.
    bool pump(size_t max_segments, Clock::time_point now);
    // Sends the acknowledgement that is due, if it has not gone out with data.
    void flush(Clock::time_point now);

    // When run_timers is wanted next; Clock::time_point::max() if not at all.
    Clock::time_point deadline() const { return std::min(timer_, ack_timer_); }
    // Done with: to be destroyed.
    bool closed() const { return closed_; }
    // Half-open, lingering or idle for long: may be given up for another connection.
    bool expendable(Clock::time_point now) const;
    // Everything is sent and acknowledged in both directions.
    bool lingering() const { return lingering_; }

  private:
    static constexpr Clock::time_point never = Clock::time_point::max();
    static constexpr uint16_t max_plain_window = 65535;

    void send_syn_ack();
    void send_ack();
    void ack_sent();
    void send_reset();
    void send_segment(Position position, size_t length, Clock::time_point now);
    void retransmit_first(Clock::time_point now);
    TcpHeader header(Position position, uint8_t flags);
    Position output_end_with_fin() const {
        return service_->output_end() + service_->output_complete();
    }

    bool receive_reset_or_syn(const TcpSegment &segment, Position start);
    bool receive_ack(const TcpSegment &segment, Position start, Clock::time_point now);
    void new_ack(Position acked, Clock::time_point now);
    void duplicate_ack(Clock::time_point now);
    void measure(Clock::duration sample);
    void receive_data(const TcpSegment &segment, Position start, Clock::time_point now);
    void keep(Position start, ByteView bytes);
    bool input_ended() const { return fin_position_ && received_ > *fin_position_; }
    Position max_in_flight() const { return Position(mss_) * context_.segments_in_flight; }
    Position room() const;
    void deliver(ByteView bytes);
    void drain_kept();
    void arm(Clock::time_point now);
    void retransmission_timeout(Clock::time_point now);
    void close_if_done(Clock::time_point now);

    Context &context_;
    Path path_;
    uint16_t local_port_, remote_port_;
    std::unique_ptr<TcpService> service_;
    bool established_ = false, lingering_ = false, closed_ = false;
    Clock::time_point last_heard_;

    // Receiving.
    uint32_t remote_initial_;
    Position received_ = 0;     // next position expected
    Position window_edge_ = 0;  // first position not offered
    unsigned window_shift_ = 0; // of the windows that we send
    size_t receive_mss_;
    std::optional<Position> fin_position_; // of the host's FIN, once seen
    std::map<Position, Bytes> kept_;       // out-of-order segments by position
    size_t unacknowledged_ = 0;            // bytes
    bool ack_now_ = false;
    Clock::time_point ack_timer_ = never;

    // Sending.
    uint32_t initial_;
    Position acked_ = 0, next_ = 0;              // oldest unacknowledged position; next to send
    Position sent_ = 0;                          // the highest ever sent, exclusive
    Position window_ = 0;                        // bytes from acked_ that the host offers
    Position window_start_ = 0, window_ack_ = 0; // positions of the segment that offered it
    unsigned send_shift_ = 0;                    // of the windows that we receive
    size_t mss_;
    Position in_flight_limit_; // bytes; smaller for a while after a time-out
    unsigned duplicate_acks_ = 0;
    std::optional<Position> recovering_until_; // position: losses before it are being repaired
    unsigned retries_ = 0;
    Clock::time_point timer_ = never; // retransmission, window probe, lingering
    Clock::duration timeout_, smoothed_{0}, variation_{0};
    std::optional<Position> timed_position_; // whose acknowledgement is a round trip sample
    Clock::time_point timed_at_;
};

} // namespace vmodem::ip
