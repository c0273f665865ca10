// A bot on the vendor's own client for Mattermost: does what it is told in messages, and says what came of it.
import {createRequire} from 'node:module';

const require = createRequire(process.env.NOCBOT_MESSAGING_NODE + '/');
const {Client4, WebSocketClient} = require('@mattermost/client');
const WS = require('ws');

const [url, token, retry] = process.argv.slice(2);
// As people run it, unless a shorter wait is wanted.
const waits = retry ? {minWebSocketRetryTime: Number(retry), reconnectJitterRange: Number(retry) / 2} : {};
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
console.log = (...words) => process.stderr.write(words.join(' ') + '\n');
globalThis.WebSocket = WS;
globalThis.CloseEvent ??= class extends Event {
    constructor(type, init) {
        super(type);
        Object.assign(this, init);
    }
};

const client = new Client4();
client.setUrl(url);
client.setToken(token);
const me = await client.getMe();
say({me: me.id, name: me.username});

const failure = async (promise) => {
    try {
        await promise;
        return {status: 200};
    } catch (error) {
        return {status: error.status_code, id: error.server_error_id, message: error.message};
    }
};

const does = {
    reply: (post, root) => client.createPost({channel_id: post.channel_id, root_id: root, message: '| a |\n| --- |\n| 1 |'}),
    edit: async (post, root) => {
        const sent = await client.createPost({channel_id: post.channel_id, root_id: root, message: 'first'});
        return client.patchPost({id: sent.id, message: 'second'});
    },
    file: async (post, root) => {
        const form = new FormData();
        form.append('channel_id', post.channel_id);
        form.append('files', new Blob(['a,b\n1,2\n'], {type: 'text/csv'}), 'answer.csv');
        const {file_infos: infos} = await client.uploadFile(form);
        return client.createPost({channel_id: post.channel_id, root_id: root, message: '', file_ids: infos.map((info) => info.id)});
    },
    react: (post) => client.addReaction(me.id, post.id, 'eyes'),
    type: (post, root) => new Promise((done) => socket.userTyping(post.channel_id, root, (reply) => done({status: reply.status}))),
    twice: async (post, root) => {
        const again = {channel_id: post.channel_id, root_id: root, message: 'once', pending_post_id: me.id + ':1'};
        return {first: (await client.createPost(again)).id, second: (await client.createPost(again)).id};
    },
    long: (post, root) => failure(client.createPost({channel_id: post.channel_id, root_id: root, message: 'x'.repeat(16384)})),
    longest: (post, root) => failure(client.createPost({channel_id: post.channel_id, root_id: root, message: '\u00e9'.repeat(16383)})),
    longedit: async (post, root) => {
        const sent = await client.createPost({channel_id: post.channel_id, root_id: root, message: 'short'});
        return failure(client.patchPost({id: sent.id, message: 'x'.repeat(16384)}));
    },
    deep: async (post, root) => {
        const sent = await client.createPost({channel_id: post.channel_id, root_id: root, message: 'a reply'});
        return failure(client.createPost({channel_id: post.channel_id, root_id: sent.id, message: 'a reply to it'}));
    },
    whisper: async (post, root) => {
        const refused = await failure(client.createPostEphemeral(post.user_id, {channel_id: post.channel_id, root_id: root, message: 'psst'}));
        const direct = await client.createDirectChannel([me.id, post.user_id]);
        await client.createPost({channel_id: direct.id, message: 'psst'});
        return refused;
    },
    look: async (post, root) => {
        const thread = await client.getPostThread(root);
        const since = await client.getPostsSince(post.channel_id, post.create_at);
        const user = await client.getUser(post.user_id);
        return {thread: thread.posts[root].id, since: since.order.includes(post.id), user: user.id};
    },
    limited: async (post, root) => {
        const first = await failure(client.createPost({channel_id: post.channel_id, root_id: root, message: 'too fast'}));
        await new Promise((done) => setTimeout(done, 1100));
        const second = await failure(client.createPost({channel_id: post.channel_id, root_id: root, message: 'in time'}));
        // The server's answer is plain text, of which the client makes an error without a number.
        return {first: first.status ?? 'no number', second: second.status};
    },
};

const socket = new WebSocketClient({
    ...waits,
    newWebSocketFn: (address) => new WS(address, {headers: {Authorization: `Bearer ${token}`}}),
});
socket.addMissedMessageListener(() => say({missed: true}));
socket.addFirstConnectListener(() => say({connected: true}));
socket.addReconnectListener(() => say({reconnected: true}));
socket.addCloseListener(() => say({closed: true}));
socket.addMessageListener(async (event) => {
    say({event: event.event, seq: event.seq});
    if (event.event !== 'posted') {
        return;
    }
    const post = JSON.parse(event.data.post);
    const mentions = JSON.parse(event.data.mentions ?? '[]');
    if (post.user_id === me.id || post.type !== '' || (event.data.channel_type !== 'D' && !mentions.includes(me.id))) {
        return;
    }
    say({heard: post.id, text: post.message, sender: event.data.sender_name});
    const word = post.message.replace(/^@\w+\s*/, '');
    if (does[word]) {
        const root = post.root_id || post.id;
        try {
            say({did: word, result: await does[word](post, root)});
        } catch (error) {
            say({did: word, failed: String(error)});
        }
    }
});
socket.initialize(`${client.getUrl().replace(/^http/, 'ws')}/api/v4/websocket`);

// The other way to log in: the first frame says who we are.
const challenger = new WebSocketClient({newWebSocketFn: (address) => new WS(address), minWebSocketRetryTime: 60000});
challenger.addMessageListener((event) => {
    if (event.event === 'hello') {
        say({challenge: event.data.connection_id});
        challenger.close();
    }
});
challenger.initialize(`${client.getUrl().replace(/^http/, 'ws')}/api/v4/websocket`, token);
process.stdin.on('end', () => process.exit(0)).resume();
