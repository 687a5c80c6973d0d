/// Bedrock's runtime: docs.aws.amazon.com/bedrock/latest/APIReference. The error's name is a header; nothing tells of
/// limits, nor when to come back.
extension ProviderShape {
    static let bedrock = ProviderShape(
        homes: ["/model/"],
        calls: [
            .post("/model/", "/converse") { .converse(model: $0, streams: false) },
            .post("/model/", "/converse-stream") { .converse(model: $0, streams: true) },
            .post("/model/", "/invoke") { .invoke(model: $0, streams: false) },
            .post("/model/", "/invoke-with-response-stream") { .invoke(model: $0, streams: true) },
        ],
        errors: [
            .rate: ErrorWords(
                429, "ThrottlingException", "Too many requests, please wait before trying again (simulated)."),
            .overloaded: ErrorWords(
                503, "ServiceUnavailableException", "Bedrock is unable to process your request (simulated)."),
            .money: ErrorWords(
                403, "AccessDeniedException",
                "Model access is denied due to INVALID_PAYMENT_INSTRUMENT (simulated)."),
            .day: ErrorWords(
                429, "ThrottlingException", "Too many tokens per day, please wait before trying again (simulated)."),
            .context: ErrorWords(400, "ValidationException", "Input is too long for requested model."),
            .credential: ErrorWords(
                403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        ],
        type: { status in
            switch status {
            case 403: "AccessDeniedException"
            case 404: "ResourceNotFoundException"
            case 408: "ModelTimeoutException"
            case 424: "ModelErrorException"
            case 429: "ThrottlingException"
            case 503: "ServiceUnavailableException"
            case 500...: "InternalServerException"
            default: "ValidationException"
            }
        },
        errorText: { object(["message": quoted($0.message)]) },
        errorHeaders: { [("x-amzn-errortype", $0.type)] },
        answerHeaders: { [("x-amzn-requestid", $0)] })
}
