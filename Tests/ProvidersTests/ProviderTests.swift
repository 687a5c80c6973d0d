import Admission
import Providers
import Testing

@Suite("A provider")
struct ProviderTests {
    @Test(
        "is known by its host name",
        arguments: [
            ("api.openai.com", Provider.openai),
            ("eu.api.openai.com", .openai),
            ("API.OpenAI.com", .openai),
            ("api.openai.com.", .openai),
            ("res.openai.azure.com", .azureOpenAI),
            ("res.cognitiveservices.azure.com", .azureOpenAI),
            ("api.anthropic.com", .anthropic),
            ("generativelanguage.googleapis.com", .gemini),
            ("aiplatform.googleapis.com", .vertex),
            ("us-central1-aiplatform.googleapis.com", .vertex),
            ("aiplatform.eu.rep.googleapis.com", .vertex),
            ("bedrock-runtime.us-east-1.amazonaws.com", .bedrock),
            ("bedrock-runtime-fips.us-west-2.amazonaws.com", .bedrock),
            ("vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", .bedrock),
            ("bedrock-mantle.us-east-1.api.aws", .bedrock),
            ("api.mistral.ai", .mistral),
            ("api.eu.mistral.ai", .mistral),
            ("api.cohere.com", .cohere),
            ("api.groq.com", .groq),
            ("api.together.ai", .together),
            ("api.together.xyz", .together),
            ("api.fireworks.ai", .fireworks),
            ("openrouter.ai", .openrouter),
            ("api.deepseek.com", .deepseek),
            ("dashscope.aliyuncs.com", .dashscope),
            ("dashscope-intl.aliyuncs.com", .dashscope),
            ("ws.cn-beijing.maas.aliyuncs.com", .dashscope),
            ("open.bigmodel.cn", .zhipu),
            ("api.moonshot.cn", .moonshot),
        ])
    func knownByHost(host: String, provider: Provider) {
        #expect(Provider(host: host) == provider)
    }

    @Test(
        "is generic where the host says nothing",
        arguments: [
            "", ".", "localhost", "127.0.0.1", "::1", "ollama", "example.com", "evilapi.openai.com.example.com",
            "notapi.openai.com.evil", "fakeapi.openai.comx", "myapi.openai.co", "s3.us-east-1.amazonaws.com",
        ])
    func genericOtherwise(host: String) {
        #expect(Provider(host: host) == .generic)
    }

    @Test("has a window of one second where it enforces one, of a minute otherwise")
    func enforcedWindow() {
        let bySecond: Set<Provider> = [.azureOpenAI, .dashscope, .mistral, .together]
        for provider in Provider.allCases {
            let window: Interval = bySecond.contains(provider) ? .seconds(1) : .seconds(60)
            #expect(provider.enforcedWindow == window, "\(provider)")
        }
    }
}
