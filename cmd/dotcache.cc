#include "core/log.h"
int main() { dotcache::Log(dotcache::LogLevel::kInfo, "start", {{"a", 1}}); }
