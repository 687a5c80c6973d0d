import Admission
import Policy
import Testing

@Suite("The table of a check")
struct CheckTableTests {
    @Test("Limits stand in aligned columns with every default filled in")
    func table() throws {
        let policy = try PolicyLoader.test().load(
            """
            admin: 127.0.0.1:9090
            upstreams:
              reader:
                url: http://localhost:8000/v1
                credential: {env: KEY}
                pacing: 10s
                limits:
                  - name: account
                    in_flight: 16
                    requests: [500/min, 1000/day]
                  - per: [tenant, job]
                    in_flight: 4
                    overrides: {big: {in_flight: 8}}
                  - match: {tenant: "a*"}
                    at_most: 3
                    distinct: job
            """
        ).policy
        #expect(
            CheckTable(policy).description == """
                listen   127.0.0.1:8080
                admin    127.0.0.1:9090

                upstream reader
                  url         http://localhost:8000/v1
                  provider    generic
                  hosts       localhost
                  prefix      /reader, and what no prefix matches
                  credential  from the environment, KEY

                  limit           applies to         bound                      pacing                  mode
                  account         all                16 in flight               -                       enforce
                                  all                500 requests/min           1 per 120 ms, burst \(burst)  enforce
                                  all                1000 requests/day          all at once             enforce
                  per-tenant-job  each tenant + job  4 in flight                -                       enforce
                                  job = big          8 in flight                -                       enforce
                  tenant-a        tenant = a*        3 different job at a time  -                       enforce

                  pacing       10s
                  queue        1000 requests, 200 per tenant, wait up to 1m, fair by tenant > priority > job
                  weights      priority: high 8, normal 4, low 1
                  timeouts     connect 5s, first byte 5m, idle 2m, total 10m
                  retry        5 attempts, backoff 500ms to 30s, budget 10% and at least 10/min, bodies up to 4MiB, hints up to 5m
                  breaker      5 failures in a row, or 50% of at least 20 within 30s; open for 30s
                  adaptive     off
                  connections  100, protocol auto, idle 1m

                """)
    }

    private let burst = Limit.Rate(500, per: .minutes(1)).paced(.window(.seconds(10))).burst

    @Test("An upstream without limits says so")
    func noLimits() throws {
        #expect(CheckTable(try policy()).description.contains("no limits"))
    }
}
