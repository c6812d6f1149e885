// The smallest test harness a C99 program can have.
#pragma once

#include <stdio.h>
#include <stdlib.h>

/// Ends the program with the line at fault. The library itself never does such a thing.
#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

/// For ctest: this case cannot run here.
#define SKIP(...)                    \
  do {                               \
    printf("SKIPPED: " __VA_ARGS__); \
    printf("\n");                    \
    exit(77);                        \
  } while (0)
