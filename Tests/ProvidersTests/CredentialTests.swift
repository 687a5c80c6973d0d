import Testing

@testable import Providers

@Suite("The credential of a request")
struct CredentialTests {
    @Test(
        "is set where the provider looks for it",
        arguments: [
            (Provider.openai, "authorization", "Bearer k"), (.anthropic, "x-api-key", "k"),
            (.azureOpenAI, "api-key", "k"), (.gemini, "x-goog-api-key", "k"), (.vertex, "authorization", "Bearer k"),
            (.bedrock, "authorization", "Bearer k"), (.groq, "authorization", "Bearer k"),
            (.generic, "authorization", "Bearer k"),
        ])
    func set(provider: Provider, name: String, value: String) {
        let header = provider.profile.credential.header(forKey: "k")
        #expect(header.name == name)
        #expect(header.value == value)
        #expect(provider.profile.credential.clientFields.contains(name))
    }

    @Test("is a bearer or a key of the provider's own at each of them", arguments: Provider.allCases)
    func everyProvider(provider: Provider) {
        let rule = provider.profile.credential
        #expect(rule.clientFields.contains("authorization"))
        for name in rule.clientFields {
            #expect(name == name.lowercased())
            #expect(rule.clientKey { $0 == name ? "secret" : nil } == "secret")
        }
    }

    @Test(
        "is found in what the client sent",
        arguments: [
            (Provider.openai, ["authorization": "Bearer sk-1"], "sk-1"),
            (.openai, ["authorization": "bearer  sk-1"], "sk-1"),
            (.openai, ["authorization": "sk-1"], "sk-1"),
            (.openai, ["authorization": ""], nil),
            (.openai, ["x-api-key": "sk-1"], nil),
            (.openai, [:], nil),
            (.anthropic, ["authorization": "Bearer sk-ant"], "sk-ant"),
            (.anthropic, ["x-api-key": "sk-ant"], "sk-ant"),
            (.anthropic, ["x-api-key": "sk-ant", "authorization": "Bearer other"], "sk-ant"),
            (.azureOpenAI, ["authorization": "Bearer entra"], "entra"),
            (.gemini, ["x-goog-api-key": "AIza"], "AIza"),
            (.generic, ["api-key": "k"], "k"),
            (
                .bedrock,
                ["authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, …"],
                "AKIDEXAMPLE"
            ),
            (.bedrock, ["authorization": "AWS4-HMAC-SHA256 Signature=x"], nil),
            (.bedrock, ["authorization": "AWS4-HMAC-SHA256 Credential=/20150830/us-east-1, Signature=x"], nil),
        ] as [(Provider, [String: String], String?)])
    func found(provider: Provider, fields: [String: String], key: String?) {
        #expect(provider.profile.credential.clientKey { fields[$0] } == key)
    }

    @Test("is found in the query of providers that take it there")
    func query() {
        let gemini = Provider.gemini.profile.credential
        #expect(gemini.clientKey(target: "/v1/models/m:x?alt=sse&key=AI%7Aa") { _ in nil } == "AIza")
        #expect(gemini.clientKey(target: "/v1/models/m:x?key=") { _ in nil } == nil)
        #expect(Provider.openai.profile.credential.clientKey(target: "/v1?key=x") { _ in nil } == nil)
    }
}
