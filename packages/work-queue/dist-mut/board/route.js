export const BOARD_PATH = "/board";
export const boardRoute = (board) => ({
    method: "GET",
    path: BOARD_PATH,
    summary: "Bull Board, for a browser: the queues and their jobs, without what is in them",
    isPage: true,
    handle: async ({ path, query }) => {
        const open = board();
        if (open === null)
            return { status: 503, text: "the queue is not open yet\n" };
        return open.answer(path.slice(BOARD_PATH.length), query);
    },
});
//# sourceMappingURL=route.js.map