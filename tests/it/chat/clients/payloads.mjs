// Reads what was sent to the platforms, and says what their own readers would make of it: cards by the vendor's
// library of cards, Markdown by a parser of tables as GitHub has them.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const modules = process.env.NOCBOT_MESSAGING_NODE;
const require = createRequire(modules + '/');
const cards = require('adaptivecards/dist/adaptivecards.js');
const {marked} = await import(pathToFileURL(`${modules}/node_modules/marked/lib/marked.esm.js`));

let input = '';
for await (const part of process.stdin) {
    input += part;
}
const {posts, attachments} = JSON.parse(input);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const name = (value) => value.replace(/[\u200b\u200c]/g, '');
const decode = (text) => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, '&');

// The text that a reader sees, and apart from it what stands outside of code.
const texts = (tokens, outside) => tokens.map((token) => {
    switch (token.type) {
        case 'codespan':
        case 'code':
            return token.text;
        case 'text':
        case 'escape':
            if (token.tokens) {
                return texts(token.tokens, outside);
            }
            outside.push(decode(token.text));
            return decode(token.text);
        case 'html':
            outside.push(token.raw);
            return token.raw;
        default:
            return token.tokens ? texts(token.tokens, outside) : token.raw ?? '';
    }
}).join('');

for (const [index, post] of posts.entries()) {
    const tables = [];
    const outside = [];
    const kinds = new Set();
    const walk = (tokens) => {
        for (const token of tokens) {
            kinds.add(token.type);
            if (token.type === 'table') {
                const cells = (row) => row.map((cell) => name(texts(cell.tokens, outside)));
                tables.push({header: cells(token.header), rows: token.rows.map(cells)});
            } else if (token.type === 'code') {
                continue;
            } else if (token.tokens) {
                texts(token.tokens, outside);
            }
        }
    };
    walk(marked.lexer(post, {gfm: true, breaks: true}));
    say({post: index, tables, kinds: [...kinds], outside: outside.join(' ')});
}

for (const [index, content] of attachments.entries()) {
    const context = new cards.SerializationContext(new cards.Version(1, 3));
    const card = new cards.AdaptiveCard();
    card.parse(content, context);
    const events = [];
    for (let at = 0; at < context.eventCount; at++) {
        events.push(context.getEventAt(at).message);
    }
    const checked = card.validateProperties();
    const found = checked.validationEvents.map((event) => event.message);
    say({card: index, events: [...events, ...found], inputs: card.getAllInputs().map((one) => one.id), actions: card.getActionCount()});
}
