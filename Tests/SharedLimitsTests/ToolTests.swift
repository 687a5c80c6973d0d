import Foundation
import Testing

@Test("Where everything must pass there is a server to test against")
func serverIsThere() {
    #expect(RedisServer.program != nil || ProcessInfo.processInfo.environment["CI"] == nil, RedisServer.isMissing)
}
