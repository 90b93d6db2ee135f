export const scheduleRoute = (schedules) => ({
    method: "GET",
    path: "/schedules",
    summary: "requests that nobody sends, as the backend has them: when, what, and the next time",
    handle: async () => {
        const open = schedules();
        if (open === null)
            return { status: 503, text: "the queue is not open yet, or this is no front\n" };
        return { json: await open.standing() };
    },
});
//# sourceMappingURL=routes.js.map