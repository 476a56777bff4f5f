"""The OpenAPI document: what callers are told of each route, imported when somebody asks for `/schema`.

    operations   a summary, a description, parameters, body and answers for each operation id
    questions    request bodies and parameters as structs, for their JSON Schemas alone: nothing is decoded into them
    answers      answers as structs, likewise
    texts        what is said more than once: dates, filters, modes
    examples     requests with their answers, which tests send and compare
    document     puts it together over the application's routes

Never decides anything: the parsers and insights do, and tests hold this description to what the server answers.
"""
