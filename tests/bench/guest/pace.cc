// SPDX-License-Identifier: GPL-2.0
#include "pace.h"

namespace bench {

Pace::Pace(const Path &path) : answers_(path.answers), socket_(udp_socket()) {
    connect_to(socket_, path.peer, port_echo);
}

void Pace::sent(uint64_t packets) {
    constexpr uint64_t step = 1024;
    since_ += packets;
    if (!answers_ || since_ < step)
        return;
    since_ = 0;
    if (asked_ > answered_)
        wait_for_one();
    ask();
}

void Pace::finish() {
    if (!answers_)
        return;
    ask();
    while (asked_ > answered_)
        wait_for_one();
}

void Pace::ask() {
    send_all(socket_, "echo", 4);
    asked_++;
}

void Pace::wait_for_one() {
    char answer[8];
    receive(socket_, answer, sizeof(answer));
    answered_++;
}

} // namespace bench
