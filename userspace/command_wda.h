// SPDX-License-Identifier: GPL-2.0
#pragma once

// What `wda` and `setup` have in common: both talk to the module.

#include "command.h"

using Seconds = unsigned;

// The option --timeout of a command.
void add_timeout(CLI::App *command, Seconds &timeout);

// The module that is meant, which is to answer in that time.
Result<Module> select_for_questions(const Context &context, Seconds timeout);

// The module as the kernel knows it after a change.
Module refreshed(const Context &context, const Module &module);
