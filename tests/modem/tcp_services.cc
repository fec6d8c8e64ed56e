// SPDX-License-Identifier: GPL-2.0
#include "tcp_services.h"
#include "pattern.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace vmodem::ip {

namespace {

constexpr size_t unlimited_room = size_t(2) << 20; // a service that keeps nothing

class Echo : public TcpService {
  public:
    size_t room() const override { return capacity - size_t(end_ - begin_); }
    bool receive(ByteView bytes) override {
        ring_.resize(capacity);
        for (size_t done = 0; done < bytes.size();) {
            size_t at = size_t(end_) % capacity;
            size_t n = std::min(bytes.size() - done, capacity - at);
            std::copy_n(&bytes[done], n, &ring_[at]);
            done += n;
            end_ += Position(n);
        }
        return true;
    }
    void end_of_input() override { complete_ = true; }
    Position output_end() const override { return end_; }
    bool output_complete() const override { return complete_; }
    void read(Position from, std::span<uint8_t> into) const override {
        for (size_t done = 0; done < into.size();) {
            size_t at = (size_t(from) + done) % capacity;
            size_t n = std::min(into.size() - done, capacity - at);
            std::copy_n(&ring_[at], n, &into[done]);
            done += n;
        }
    }
    void acknowledged(Position end) override { begin_ = end; }

  private:
    static constexpr size_t capacity = size_t(1) << 20;
    Bytes ring_;
    Position begin_ = 0, end_ = 0; // of what the host has not acknowledged
    bool complete_ = false;
};

class Sink : public TcpService {
  public:
    explicit Sink(IpPeer::Statistics &statistics) : statistics_(statistics) {}
    size_t room() const override { return unlimited_room; }
    bool receive(ByteView bytes) override {
        uint64_t mismatches = pattern_mismatches(bytes_, bytes);
        bytes_ += bytes.size();
        mismatches_ += mismatches;
        statistics_.tcp_sunk_bytes += bytes.size();
        statistics_.tcp_sink_mismatches += mismatches;
        return true;
    }
    void end_of_input() override {
        verdict_ = std::to_string(bytes_) + " " + std::to_string(mismatches_) + "\n";
    }
    Position output_end() const override { return Position(verdict_.size()); }
    bool output_complete() const override { return !verdict_.empty(); }
    void read(Position from, std::span<uint8_t> into) const override {
        std::copy_n(&verdict_[size_t(from)], into.size(), into.begin());
    }
    void acknowledged(Position) override {}

  private:
    IpPeer::Statistics &statistics_;
    uint64_t bytes_ = 0, mismatches_ = 0;
    std::string verdict_;
};

class Source : public TcpService {
  public:
    explicit Source(IpPeer::Statistics &statistics) : statistics_(statistics) {}
    size_t room() const override { return unlimited_room; }
    bool receive(ByteView bytes) override {
        if (complete_)
            return true; // after the line: of no interest
        for (uint8_t byte : bytes) {
            if (byte == '\n')
                return parse_line();
            if (line_.size() == max_line)
                return false;
            line_.push_back(char(byte));
        }
        return true;
    }
    void end_of_input() override { complete_ = true; }
    Position output_end() const override { return wanted_; }
    bool output_complete() const override { return complete_; }
    void read(Position from, std::span<uint8_t> into) const override {
        fill_pattern(uint64_t(from), into);
    }
    void acknowledged(Position end) override {
        statistics_.tcp_sourced_bytes += uint64_t(end - acknowledged_);
        acknowledged_ = end;
    }

  private:
    static constexpr size_t max_line = 32;
    static constexpr Position max_wanted = Position(1) << 62;

    bool parse_line() {
        if (!line_.empty() && line_.back() == '\r')
            line_.pop_back();
        const char *end = line_.data() + line_.size();
        auto [next, error] = std::from_chars(line_.data(), end, wanted_);
        complete_ = error == std::errc() && next == end && wanted_ >= 0 && wanted_ <= max_wanted;
        return complete_;
    }

    IpPeer::Statistics &statistics_;
    std::string line_;
    Position wanted_ = 0, acknowledged_ = 0;
    bool complete_ = false;
};

} // namespace

std::unique_ptr<TcpService> make_tcp_service(uint16_t port, IpPeer::Statistics &statistics) {
    switch (port) {
    case 7:
        return std::make_unique<Echo>();
    case 9:
        return std::make_unique<Sink>(statistics);
    case 19:
        return std::make_unique<Source>(statistics);
    default:
        return nullptr;
    }
}

} // namespace vmodem::ip
