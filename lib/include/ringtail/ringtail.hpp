// Everything a C++ program needs, in one include.
#pragma once

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>
#include <ringtail/interface.hpp>
#include <ringtail/latency_histogram.hpp>
#include <ringtail/options.hpp>
#include <ringtail/packet.hpp>
#include <ringtail/recorder.hpp>
#include <ringtail/recorder_figures.hpp>
#include <ringtail/source.hpp>
#include <ringtail/stats.hpp>
