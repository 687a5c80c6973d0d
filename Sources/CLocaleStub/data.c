#include <stdint.h>

// In place of ICU's data: 34 MB of languages, calendars and time zones that a statically linked Foundation brings along.
//
// Yams needs Foundation for its regular expressions, whose classes of characters are part of ICU's code and not of its
// data. The linker takes the data out of the archive only where nobody else defines its name, which has ICU's version
// in it (ICU 76 in Swift 6.3): under another one this does nothing and the program is large again. The bytes are the
// header of a package of data (icu/source/common/unicode/udata.h, UDataInfo; ucmndata.h) with nothing in it.
//
// Hidden, so that a program whose Foundation is a shared library never hands this to it.
__attribute__((visibility("hidden"), aligned(16))) const struct {
    uint16_t headerSize;
    uint8_t magic[2];
    uint16_t infoSize;
    uint16_t reserved;
    uint8_t isBigEndian;
    uint8_t charsetFamily;
    uint8_t sizeOfChar;
    uint8_t reservedByte;
    uint8_t dataFormat[4];
    uint8_t formatVersion[4];
    uint8_t dataVersion[4];
    uint8_t padding[8];
    uint32_t count;
    uint32_t reservedCount;
} icudt76_dat = {
    .headerSize = 32,
    .magic = {0xda, 0x27},
    .infoSize = 20,
    .isBigEndian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
    .sizeOfChar = 2,
    .dataFormat = {'T', 'o', 'C', 'P'},
    .formatVersion = {1},
};
