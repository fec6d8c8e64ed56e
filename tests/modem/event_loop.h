// SPDX-License-Identifier: GPL-2.0
// One thread that everything in a modem runs on: one socket, timers, and calls from other threads.
#pragma once

#include "bytes.h"
#include "file_descriptor.h"

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace vmodem {

class EventLoop {
  public:
    using Task = std::function<void()>;

    // A socket that is served while plugged in.
    struct Watch {
        int fd;
        std::function<bool()> wants_write;
        Task readable;
        Task writable;
    };

    // settle: runs after each batch of events; returns when it next wants to be called.
    explicit EventLoop(std::function<std::optional<Clock::time_point>()> settle);
    ~EventLoop();

    EventLoop(const EventLoop &) = delete;
    EventLoop &operator=(const EventLoop &) = delete;

    // Runs it on the loop thread and returns what it returns, or throws what it throws.
    template <typename F> auto call(F &&function) {
        if (std::this_thread::get_id() == thread_.get_id())
            return function();
        std::packaged_task<decltype(function())()> task(std::forward<F>(function));
        post([&task] { task(); });
        return task.get_future().get();
    }

    // On the loop thread only.
    void after(Clock::duration delay, Task task);
    void watch(std::optional<Watch> watch) { watch_ = std::move(watch); }

  private:
    void post(Task task);
    void run();
    void wait(std::optional<Clock::time_point> until);
    void run_posted();
    void run_timers();

    std::function<std::optional<Clock::time_point>()> settle_;
    FileDescriptor wake_; // eventfd
    std::mutex mutex_;    // protects posted_ and stopping_
    std::vector<Task> posted_;
    bool stopping_ = false;

    std::multimap<Clock::time_point, Task> timers_;
    std::optional<Watch> watch_;
    std::thread thread_; // last: starts when all else is there
};

} // namespace vmodem
