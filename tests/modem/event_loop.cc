// SPDX-License-Identifier: GPL-2.0
#include "event_loop.h"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>

namespace vmodem {

namespace {

FileDescriptor make_eventfd() {
    FileDescriptor fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd)
        throw std::system_error(errno, std::generic_category(), "eventfd");
    return fd;
}

} // namespace

EventLoop::EventLoop(std::function<std::optional<Clock::time_point>()> settle)
    : settle_(std::move(settle)), wake_(make_eventfd()), thread_([this] { run(); }) {}

EventLoop::~EventLoop() {
    post([this] { stopping_ = true; });
    thread_.join();
}

void EventLoop::post(Task task) {
    {
        std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
    }
    uint64_t one = 1;
    // Fails only when the counter is full, and then the loop wakes up anyway.
    [[maybe_unused]] auto written = ::write(wake_.get(), &one, sizeof(one));
}

void EventLoop::after(Clock::duration delay, Task task) {
    timers_.emplace(Clock::now() + delay, std::move(task));
}

void EventLoop::run() {
    while (!stopping_) {
        auto until = settle_();
        if (!timers_.empty())
            until = until ? std::min(*until, timers_.begin()->first) : timers_.begin()->first;
        wait(until);
        run_timers();
    }
}

void EventLoop::wait(std::optional<Clock::time_point> until) {
    pollfd fds[2] = {{wake_.get(), POLLIN, 0}, {-1, 0, 0}};
    if (watch_) {
        fds[1].fd = watch_->fd;
        fds[1].events = POLLIN | (watch_->wants_write() ? POLLOUT : 0);
    }
    timespec timeout{};
    if (until) {
        auto left = std::max(*until - Clock::now(), Clock::duration::zero());
        auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        timeout.tv_sec = seconds.count();
        timeout.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
    }
    if (::ppoll(fds, 2, until ? &timeout : nullptr, nullptr) <= 0)
        return;
    if (fds[0].revents)
        run_posted();
    // A posted task may have taken the watch away.
    if (watch_ && watch_->fd == fds[1].fd && fds[1].revents & POLLOUT)
        watch_->writable();
    if (watch_ && watch_->fd == fds[1].fd && fds[1].revents & ~POLLOUT)
        watch_->readable();
}

void EventLoop::run_posted() {
    uint64_t count;
    [[maybe_unused]] auto got = ::read(wake_.get(), &count, sizeof(count));
    std::vector<Task> tasks;
    {
        std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (Task &task : tasks)
        task();
}

void EventLoop::run_timers() {
    auto now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        Task task = std::move(timers_.extract(timers_.begin()).mapped());
        task();
    }
}

} // namespace vmodem
