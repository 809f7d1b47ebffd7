// What this library was compiled from: build.py gives the hash of the sources.
#include "arrays.h"

EXPORT const char* gengraph_sources() { return GENGRAPH_SOURCES; }
