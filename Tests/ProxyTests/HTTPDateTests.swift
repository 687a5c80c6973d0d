import Testing

@testable import Proxy

@Suite("Dates of Penstock's own answers")
struct HTTPDateTests {
    @Test(
        "are in UTC, with two digits each",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"),
        ])
    func text(seconds: Int, expected: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == expected)
    }
}
