#include "args.h"
#include "layout.h"

#define WORD_BYTES 64

static struct args args;

static const struct {
  const char *key;
  u64 *value;
  u64 least, most;
} numbers[] = {
    {"reads", &args.reads, 0, 1u << 30},    {"writes", &args.writes, 0, 1u << 30},
    {"size", &args.size, 512, 1u << 20},    {"sector", &args.sector, 0, 1ull << 40},
    {"depth", &args.depth, 1, 64},          {"poll", &args.poll, 0, 1},
    {"event_idx", &args.event_idx, 0, 1},   {"indirect", &args.indirect, 0, 1},
    {"vcpus", &args.vcpus, 1, MAX_CPUS},    {"peeks", &args.peeks, 0, 1u << 30},
    {"reboots", &args.reboots, 0, 1000},    {"disk", &args.disk, 0, 31},
    {"seed", &args.seed, 0, ~0ull},         {"timeout", &args.timeout, 1, 3600},
};

static const char *const endings[] = {"off", "reboot", "hang", "fault", "hole"};

/* Decimal, or hexadecimal after 0x; false when it is no number or too large. */
static bool parse_number(const char *text, u64 *value) {
  u32 base = 10;
  if (text[0] == '0' && text[1] == 'x') base = 16, text += 2;
  if (*text == 0) return false;
  for (*value = 0; *text != 0; text++) {
    u32 lower = (u8)*text | 0x20;
    u32 digit = *text >= '0' && *text <= '9' ? (u32)(*text - '0') : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
    if (digit >= base || *value > (~0ull - digit) / base) return false;
    *value = *value * base + digit;
  }
  return true;
}

/* True if the word was one of ours. */
static bool take(const char *key, const char *text) {
  for (u32 i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (!same_text(key, numbers[i].key)) continue;
    if (numbers[i].value == &args.disk && same_text(text, "none")) {
      args.disk = NO_DISK;
      return true;
    }
    u64 value = 0;
    if (!parse_number(text, &value) || value < numbers[i].least || value > numbers[i].most) {
      fail("%s=%s: not a number from %lu to %lu", key, text, numbers[i].least, numbers[i].most);
    }
    *numbers[i].value = value;
    return true;
  }
  if (same_text(key, "check")) {
    u64 value = 0;
    if (!parse_number(text, &value) || value >= NO_CHECK) fail("check=%s: not a CRC-32 (0x...)", text);
    args.check = value;
    return true;
  }
  if (!same_text(key, "end")) return false;
  for (u32 i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    if (same_text(text, endings[i])) {
      args.end = (enum ending)i;
      return true;
    }
  }
  fail("end=%s: not off, reboot, hang, fault or hole", text);
}

struct args args_parse(const char *text) {
  args = (struct args){.reads = 64, .writes = 16, .size = 4096, .depth = 1, .event_idx = 1, .indirect = 1,
                       .vcpus = 1, .peeks = 16, .seed = 1, .timeout = 10, .check = NO_CHECK};
  while (*text != 0) {
    char word[WORD_BYTES];
    u32 n = 0;
    while (*text == ' ') text++;
    for (; *text != 0 && *text != ' '; text++) {
      if (n < WORD_BYTES - 1) word[n++] = *text;
    }
    word[n] = 0;
    u32 equals = 0;
    while (word[equals] != 0 && word[equals] != '=') equals++;
    bool pair = word[equals] == '=';
    word[equals] = 0;
    if (n > 0 && !(pair && take(word, word + equals + 1))) say("bare: ignored: %s\n", word);
  }
  if (args.size % 512 != 0) fail("size=%lu: not a multiple of 512", args.size);
  return args;
}
