// SPDX-License-Identifier: GPL-2.0
#pragma once

// A command is a function of the context and its own options. Each has a file, command_NAME.cc,
// with an add_NAME() that adds its grammar to the command line; main.cc has the table of them.

#include "context.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

// The command line: what add_NAME() adds to, and what has been chosen once it is parsed.
class Cli {
  public:
    using Action = std::function<Status(const Context &)>;

    explicit Cli(Context context);
    Cli(const Cli &) = delete;
    Cli &operator=(const Cli &) = delete;

    // A command, or a verb of `parent`, that runs `action`.
    CLI::App *add(const std::string &name, const std::string &description, Action action,
                  CLI::App *parent = nullptr);
    // A command that wants a verb.
    CLI::App *add_object(const std::string &name, const std::string &description);
    // The argument [DEV] of a command, last of its arguments.
    void add_device(CLI::App *command);
    // What runs if no command is named.
    void set_default(Action action) { action_ = std::move(action); }

    const CLI::App &app() const { return app_; }
    // Parses and runs; the exit status. Errors go to `err`, one line each.
    int run(int argc, const char *const *argv, std::ostream &err);

  private:
    Status parse(int argc, const char *const *argv);

    CLI::App app_;
    Context context_;
    std::optional<std::string> option_, argument_; // DEV, by -d and by its place
    Action action_;
};

// Every command; the bare program is status.
void add_commands(Cli &cli);

void add_status(Cli &cli);
void add_mode(Cli &cli);
void add_mux(Cli &cli);
void add_link(Cli &cli);
void add_monitor(Cli &cli);
void add_stats(Cli &cli);
void add_wda(Cli &cli);
void add_setup(Cli &cli);

// The commands themselves. Numbers have been checked for their range.
Status status(const Context &context);
Status mode_get(const Context &context);
Status mode_set(const Context &context, uint32_t mode);
Status mux_list(const Context &context);
Status mux_add(const Context &context, uint32_t mux_id);
Status mux_delete(const Context &context, uint32_t mux_id);
Status link_set(const Context &context, const std::string &text, bool up);
Status monitor(const Context &context);
// With an interval in seconds it shows rates, until an error ends it.
Status stats(const Context &context, std::optional<double> interval);
